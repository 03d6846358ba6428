// A query as the scans of the flat index want it; flat_index.hpp has the method.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/kernels.hpp"
#include "shard.hpp"
#include "status.hpp"

namespace llm_cache {

/// @brief Scaled by a power of two and coded. May be moved, not copied: `scan` points to the codes.
class FlatQuery {
  public:
    /// @brief May throw std::bad_alloc; `prepare` allocates nothing.
    explicit FlatQuery(const RowLayout& layout)
        : codes_(layout.padded), vector_(layout.padded), scan_{} {}
    FlatQuery(FlatQuery&&) = default;

    /// @return kOk, kNotFinite or kTooLong.
    Status prepare(const RowLayout& layout, const float* query);

    const ScanQuery& scan() const { return scan_; }
    /// @brief The scaled query, padded with zeros.
    const float* vector() const { return vector_.data(); }
    /// @brief The product with the query as it came, of one with the scaled query.
    float unscaled(float product) const;

    size_t bytes() const { return codes_.capacity() + vector_.capacity() * sizeof(float); }

  private:
    std::vector<int8_t> codes_;
    std::vector<float> vector_;
    ScanQuery scan_;
    int exponent_ = 0;
};

}  // namespace llm_cache
