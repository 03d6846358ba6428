// An index's lists as plain arrays, as they are kept in a file: IvfSnapshot gives them, IvfLists
// takes them; the file's format is not known here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ivfpq_lists.hpp"

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

/// @brief What an import reads: the rows of one list behind those of the other, in memory that may
/// be mapped from a file. Pointers are aligned for their type.
struct IvfState {
    IvfStateHead head;
    /// nlist x dimension; m x 2^nbits x part_length; dimension x dimension, or null where nothing
    /// is rotated.
    const float* centroids;
    const float* codebooks;
    const float* rotation;
    /// Rows of each list: nlist numbers.
    const uint32_t* lengths;
    const uint32_t* ids;
    const uint32_t* partitions;
    const float* scales;
    /// Packed in blocks of 32 rows, code_bytes x 32 each, the last of a list filled up.
    const uint8_t* codes;
    /// RowFormat::bytes each.
    const uint8_t* kept;
    /// Elements of each of the arrays, in the order above.
    size_t counts[9];
};

/// @brief Blocks that a list of so many rows takes.
constexpr size_t code_blocks(size_t rows) { return (rows + kCodeRows - 1) / kCodeRows; }

/// @brief The rows of lists as they stand at one moment, to be read on any thread while one changes
/// the lists and others search. What changes meanwhile does not show, but that a row which was
/// replaced while the snapshot was made may be missing. As long as it lives, the lists take no
/// memory back.
class IvfSnapshot {
  public:
    /// @param numbers `count` of them: what each id is called from now on. Left out are rows whose
    /// id has none, or one that is not below taken.size() or that is taken; theirs are taken then.
    /// May throw std::bad_alloc.
    IvfSnapshot(const IvfLists& lists, const uint32_t* numbers, size_t count,
                std::vector<bool>& taken);

    const IvfQuantiser& quantiser() const { return lists_.quantiser(); }
    IvfStateHead head() const;
    const std::vector<uint32_t>& lengths() const { return lengths_; }

    // What IvfState has of one list's rows: as many elements as these take.
    void ids(size_t list, uint32_t* out) const;
    void partitions(size_t list, uint32_t* out) const;
    void scales(size_t list, float* out) const;
    void codes(size_t list, uint8_t* out) const;
    void kept(size_t list, uint8_t* out) const;

  private:
    // Some rows of a block.
    struct Piece {
        const IvfLists::Block* block;
        const uint8_t* codes;
        uint32_t rows;
    };
    template <typename Visit>
    void each_row(size_t list, const Visit& visit) const;

    const IvfLists& lists_;
    const Epochs::Reader reader_;
    const uint32_t* numbers_;
    std::vector<Piece> pieces_;
    // Of each list, the piece behind its last.
    std::vector<size_t> ends_;
    std::vector<uint32_t> lengths_;
    size_t rows_ = 0;
};

}  // namespace llm_cache
