// An index's lists as plain arrays, as they are kept in a file; ivfpq_lists takes and gives them,
// the file's format is not known here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ivfpq_quantiser.hpp"
#include "ivfpq_rows.hpp"

namespace llm_cache {

/// @brief Sizes of the arrays.
struct IvfStateHead {
    IvfShape shape;
    Rescore rescore;
    bool rotated;
    /// IvfQuantiser::error.
    float error;
    size_t rows;
};

/// @brief Where an export goes. The arrays come in the order of the functions; those that come in
/// pieces, a piece a list, in the order of the lists.
class IvfStateSink {
  public:
    virtual ~IvfStateSink() = default;
    virtual void head(const IvfStateHead& head) = 0;
    /// nlist x dimension; m x 2^nbits x part_length; dimension x dimension where rotated.
    virtual void quantiser(const float* centroids, const float* codebooks,
                           const float* rotation) = 0;
    /// Rows of each list: nlist numbers.
    virtual void lengths(const uint32_t* rows) = 0;
    /// The rows of one list: ids, partitions and scales; codes packed in blocks of 32 rows,
    /// code_bytes x 32 each, the last filled up; and kept rows, RowFormat::bytes each.
    virtual void list(size_t rows, const uint32_t* ids, const uint32_t* partitions,
                      const float* scales, const uint8_t* codes, const uint8_t* kept) = 0;
};

/// @brief What an import reads: the pieces of each kind one behind the other, in memory that may be
/// mapped from a file. Pointers are aligned for their type.
struct IvfState {
    IvfStateHead head;
    const float* centroids;
    const float* codebooks;
    /// Null where nothing is rotated.
    const float* rotation;
    const uint32_t* lengths;
    const uint32_t* ids;
    const uint32_t* partitions;
    const float* scales;
    const uint8_t* codes;
    const uint8_t* kept;
    /// Elements of each of the arrays, in the order above.
    size_t counts[9];
};

/// @brief Blocks that a list of so many rows takes.
constexpr size_t code_blocks(size_t rows) { return (rows + kCodeRows - 1) / kCodeRows; }

}  // namespace llm_cache
