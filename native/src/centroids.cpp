// Packing and unpacking of centroids, and the nearest of many.
#include "centroids.hpp"

#include <algorithm>
#include <limits>

namespace llm_cache {
namespace {

// Centroids looked at together, and points they are looked at for: both stay in the cache.
constexpr size_t kTileBytes = size_t{1} << 18;
constexpr size_t kTilePoints = 64;

}  // namespace

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

void find_nearest(const Kernels& kernels, const float* points, size_t count,
                  const Centroids& centroids, uint32_t* indices, float* scores) {
    const size_t block_floats = centroids.length * kBlockCentroids;
    const size_t tile = std::max<size_t>(4, kTileBytes / (block_floats * sizeof(float)));
    uint32_t near[kTilePoints];
    float least[kTilePoints];
    for (size_t start = 0; start < count; start += kTilePoints) {
        const size_t size = std::min(kTilePoints, count - start);
        const float* x = points + start * centroids.length;
        for (size_t block = 0; block < centroids.blocks; block += tile) {
            const Centroids part = {centroids.packed + block * block_floats,
                                    centroids.half_norms + block * kBlockCentroids,
                                    std::min(tile, centroids.blocks - block), centroids.length};
            kernels.pq()->nearest(x, centroids.length, size, part, near, least);
            for (size_t i = 0; i < size; ++i) {
                if (block > 0 && !(least[i] < scores[start + i])) continue;
                scores[start + i] = least[i];
                indices[start + i] = near[i] + static_cast<uint32_t>(block * kBlockCentroids);
            }
        }
    }
}

}  // namespace llm_cache
