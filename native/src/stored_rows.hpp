// What of a row the flat index keeps, and products and components from that; the files of the flat
// index use it.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernels.hpp"
#include "shard.hpp"
#include "status.hpp"

namespace llm_cache {

/// @brief Makes rows what is kept of them. Every storage keeps a row exactly that differs from the
/// one given by rounding alone, so all that holds of float32 rows holds of the kept ones.
class RowEncoder {
  public:
    /// @brief May throw std::bad_alloc; `encode` allocates nothing.
    RowEncoder(const Kernels& kernels, const RowLayout& layout);

    /// @brief The image points to the encoder's memory and to `row`, until the next call.
    /// @return kOk, kNotFinite, kTooLong, or kBeyondHalf where a component does not fit a half.
    Status encode(const float* row, RowImage& image);

    size_t bytes() const {
        return codes_.capacity() + halves_.capacity() * sizeof(uint16_t) +
               rounded_.capacity() * sizeof(float);
    }

  private:
    const Kernels& kernels_;
    const RowLayout& layout_;
    std::vector<int8_t> codes_;
    // For halves alone: the row, and what it is rounded to.
    std::vector<uint16_t> halves_;
    std::vector<float> rounded_;
};

/// @brief Reads kept rows. One a thread.
class RowReader {
  public:
    /// @brief May throw std::bad_alloc; the rest allocates nothing.
    RowReader(const Kernels& kernels, const RowLayout& layout);

    /// @brief Product of a row with `query`, padded with zeros: that of Kernels::dot with the
    /// components that `read` gives, or for halves of RowKernels::dot_half.
    float product(const Shard& rows, uint32_t row, const float* query);

    /// @brief Calls a row into the cache, for `product`.
    void prefetch_row(const Shard& rows, uint32_t row) const;

    /// @brief The row's components, padded with zeros; they may be this object's, until its next
    /// call.
    const float* read(const Shard& rows, uint32_t row);

    size_t bytes() const { return scratch_.capacity() * sizeof(float); }

  private:
    const Kernels& kernels_;
    const RowLayout& layout_;
    std::vector<float> scratch_;
};

}  // namespace llm_cache
