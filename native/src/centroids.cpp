// Packing and unpacking of centroids.
#include "centroids.hpp"

#include <limits>

namespace llm_cache {

PackedCentroids::PackedCentroids(size_t count, size_t length)
    : count_(count),
      length_(length),
      packed_(centroid_blocks(count) * kBlockCentroids * length),
      half_norms_(centroid_blocks(count) * kBlockCentroids,
                  std::numeric_limits<float>::infinity()) {}

void PackedCentroids::pack(const float* rows) {
    for (size_t index = 0; index < count_; ++index, rows += length_) {
        float* block = packed_.data() + index / kBlockCentroids * kBlockCentroids * length_;
        double squares = 0;
        for (size_t i = 0; i < length_; ++i) {
            block[i * kBlockCentroids + index % kBlockCentroids] = rows[i];
            squares += static_cast<double>(rows[i]) * rows[i];
        }
        half_norms_[index] = static_cast<float>(squares / 2);
    }
}

void PackedCentroids::read(size_t index, float* out) const {
    const float* block = packed_.data() + index / kBlockCentroids * kBlockCentroids * length_;
    for (size_t i = 0; i < length_; ++i) {
        out[i] = block[i * kBlockCentroids + index % kBlockCentroids];
    }
}

}  // namespace llm_cache
