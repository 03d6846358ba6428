// How rows are kept beside their codes for rescoring, and rows on their way into lists;
// ivfpq_lists and ivfpq_index use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ivfpq_quantiser.hpp"
#include "kmeans.hpp"

namespace llm_cache {

/// @brief What of a row is kept to work its products out anew.
enum class Rescore : uint8_t { kNone, kInt8, kFloat16 };

/// @brief Bytes of a kept row and their meaning: int8 codes with a scale, or float16 numbers.
struct RowFormat {
    Rescore rescore;
    size_t dimension;

    size_t bytes() const {
        if (rescore == Rescore::kNone) return 0;
        return rescore == Rescore::kInt8 ? dimension : dimension * 2;
    }

    bool is_scaled() const { return rescore == Rescore::kInt8; }

    /// @brief Keeps a vector. `codes` has room for `dimension`.
    /// @pre The vector passed check_vectors.
    void encode(const float* vector, uint8_t* row, float& scale) const;
    void decode(const uint8_t* row, float scale, float* vector) const;
    /// @brief Whether `count` rows and scales are such as encode makes.
    bool holds(const uint8_t* rows, const float* scales, size_t count) const;
};

/// @brief A query as the kept rows are multiplied with it. For int8 it is coded twice over, the
/// second time what the first left, so that its own rounding is 1/254 of that of the rows.
class RowQuery {
  public:
    /// @brief May throw std::bad_alloc.
    void prepare(const RowFormat& format, const float* query);
    float product(const Kernels& kernels, const uint8_t* row, float scale) const;

  private:
    RowFormat format_ = {};
    const float* query_ = nullptr;
    std::vector<int8_t> codes_;
    std::vector<float> rest_;
    float scales_[2] = {};
    mutable std::vector<float> row_;
};

/// @brief Rows on their way into lists: first ids, partitions and vectors, then all the rest too.
struct IvfBatch {
    std::vector<uint32_t> ids;
    std::vector<uint32_t> partitions;
    /// Row by row.
    std::vector<float> vectors;
    std::vector<uint32_t> lists;
    std::vector<uint8_t> codes;
    std::vector<uint8_t> rows;
    std::vector<float> scales;
    std::vector<float> errors;

    size_t size() const { return ids.size(); }
    /// @brief Bytes of a code and of a kept row.
    size_t code_bytes = 0;
    size_t row_bytes = 0;
};

/// @brief Works out the rest of a batch, on threads of its own.
/// @return kOk, kCancelled or kOutOfMemory.
Status encode_batch(const IvfQuantiser& quantiser, const RowFormat& format, size_t threads,
                    const Control& control, IvfBatch& batch);

}  // namespace llm_cache
