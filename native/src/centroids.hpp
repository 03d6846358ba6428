// Centroids in the layout that the kernels read, with their half norms; kmeans and pq use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/kernels.hpp"

namespace llm_cache {

/// @brief Blocks that `count` centroids take.
constexpr size_t centroid_blocks(size_t count) {
    return (count + kBlockCentroids - 1) / kBlockCentroids;
}

/// @brief Owner of packed centroids; PqKernels reads them.
class PackedCentroids {
  public:
    /// @brief Room for `count` centroids of `length` components. Throws std::bad_alloc.
    PackedCentroids(size_t count, size_t length);

    /// @brief Takes `count` centroids, row by row.
    void pack(const float* rows);
    /// @brief Copies a centroid out.
    void read(size_t index, float* out) const;

    Centroids view() const {
        return {packed_.data(), half_norms_.data(), half_norms_.size() / kBlockCentroids, length_};
    }
    float half_norm(size_t index) const { return half_norms_[index]; }
    size_t count() const { return count_; }
    size_t bytes() const { return (packed_.size() + half_norms_.size()) * sizeof(float); }

    size_t length() const { return length_; }

  private:
    size_t count_;
    size_t length_;
    std::vector<float> packed_;
    std::vector<float> half_norms_;
};

/// @brief PqKernels::nearest for points one behind the other, with the same result: a part of the
/// centroids at a time, so that they come from the second-level cache however many they are.
void find_nearest(const Kernels& kernels, const float* points, size_t count,
                  const Centroids& centroids, uint32_t* indices, float* scores);

}  // namespace llm_cache
