// The rows of one partition in chunks that never move; only flat_index uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/kernels.hpp"
#include "quantise.hpp"

namespace llm_cache {

/// @brief What is kept of a row besides its codes: float32 components, halves, or nothing.
enum class Storage : uint8_t { kFloat32, kFloat16, kInt8 };

/// @brief Sizes that follow from the dimension and the storage.
struct RowLayout {
    explicit RowLayout(size_t dimension, Storage storage = Storage::kFloat32);

    size_t dimension;
    Storage storage;
    /// Dimension rounded up to a multiple of kPadding.
    size_t padded;
    size_t groups;
    /// Bytes of a row besides its codes.
    size_t stored;
    /// Bytes of the two parts of a block of kBlockRows rows.
    size_t coarse;
    size_t fine;
    /// Rows of the greatest chunk: a power of two from 16 to 1,024, so that a chunk stays near 4
    /// MiB.
    size_t chunk_rows;
    /// Its logarithm, and the smaller chunks before the first of that size.
    size_t chunk_shift = 0;
    size_t growing_chunks = 0;
};

/// @brief A row as it is kept: codes, layout.padded of them with zeros beyond the dimension, what
/// its bounds are made of, and components as the storage has them, as many as the dimension.
struct RowImage {
    const int8_t* codes;
    Quantised metrics;
    const void* stored;
};

/// @brief Memory of some rows: coarse blocks, fine blocks, stored rows, ids. 64-byte aligned. A
/// copy is a second handle on the same memory.
class Chunk {
  public:
    /// @brief May throw std::bad_alloc.
    Chunk(const RowLayout& layout, size_t rows);

    /// @brief A chunk over memory that is another's, aligned and with rows in it: those of a state
    /// file, mapped so that what is written stays private.
    Chunk(const RowLayout& layout, size_t rows, uint8_t* memory);

    /// @brief What a chunk of so many rows takes: the parts one directly behind the other.
    static size_t bytes_for(const RowLayout& layout, size_t rows);

    uint8_t* coarse() const { return memory_.get(); }
    uint8_t* fine() const { return memory_.get() + fine_; }
    uint8_t* stored(const RowLayout& layout, size_t row) const {
        return memory_.get() + stored_ + row * layout.stored;
    }
    uint32_t* ids() const { return reinterpret_cast<uint32_t*>(memory_.get() + ids_); }
    size_t rows() const { return rows_; }
    /// @brief Bytes of its own: none of a borrowed one.
    size_t bytes() const { return borrowed_ ? 0 : bytes_; }
    /// @brief Whether there are other handles. Handles are made and dropped on one thread, so this
    /// needs no more than a look at their number.
    bool is_shared() const { return memory_.use_count() > 1; }
    /// @brief The same rows in memory of its own. May throw std::bad_alloc.
    Chunk clone(const RowLayout& layout) const;
    const uint8_t* image() const { return memory_.get(); }
    size_t image_bytes() const { return bytes_; }

  private:
    struct Uninitialised {};
    Chunk(const RowLayout& layout, size_t rows, Uninitialised);

    size_t rows_;
    size_t fine_;
    size_t stored_;
    size_t ids_;
    size_t bytes_;
    bool borrowed_;
    std::shared_ptr<uint8_t> memory_;
};

/// @brief Whether scans begin with the coarse codes. Where these ruled out too few rows twice in a
/// row they are left out for some scans, twice as many each time it happens again.
class CoarseHabit {
  public:
    /// @brief Whether the next scan should; counts the scans that should not.
    bool pays();

    /// @brief Tells what a scan made of the coarse codes.
    void note(bool paid);

  private:
    uint32_t skips_ = 0;
    uint32_t skips_left_ = 0;
};

/// @brief Rows 0 to size - 1 of a partition. Chunks hold 16, 32, 64, ... rows up to
/// layout.chunk_rows and then that many each, so a small partition stays small and growth copies
/// nothing. A copy is a snapshot: it shares the chunks, and `own` keeps changes of the original
/// away from them.
class Shard {
  public:
    explicit Shard(uint32_t partition) : partition_(partition) {}

    uint32_t partition() const { return partition_; }
    size_t size() const { return size_; }
    size_t bytes() const;

    /// @brief Gives the rows from `first` on up to `end` memory that no snapshot shares: before
    /// anything of them is written. May throw std::bad_alloc; rows are untouched either way.
    void own(const RowLayout& layout, size_t first, size_t end);

    /// @brief Makes room for `more` rows, owned. May throw std::bad_alloc; rows are untouched
    /// either way.
    void reserve(const RowLayout& layout, size_t more);

    /// @brief Adds a row and returns its number.
    /// @pre reserve has made room.
    uint32_t append(const RowLayout& layout, uint32_t id, const RowImage& image);

    /// @brief Writes a row that exists and is owned.
    void write(const RowLayout& layout, uint32_t row, uint32_t id, const RowImage& image);

    /// @brief Writes row `row` of a chunk that need not belong to a shard.
    static void fill(const RowLayout& layout, const Chunk& chunk, size_t row, uint32_t id,
                     const RowImage& image);

    /// @brief Marks every row of a chunk as one that no scan finds.
    static void vacate(const RowLayout& layout, const Chunk& chunk);

    /// @brief Rows of the chunk that comes after one of `rows`, the first one after none (0).
    static size_t next_rows(const RowLayout& layout, size_t rows);

    /// @brief Bytes of the chunks of a shard of so many rows.
    static size_t image_bytes(const RowLayout& layout, size_t rows);

    /// @brief Makes an empty shard one of `size` rows over the images of its chunks, one directly
    /// behind the other. May throw std::bad_alloc.
    /// @pre The storage is float32.
    /// @return kOk, or kDamaged when a value is none that `write` could have left there.
    Status adopt(const RowLayout& layout, size_t size, uint8_t* images);

    /// @brief Moves the last row into `row` and drops the last; gives back chunks beyond one spare.
    /// @pre `row` and the last one are owned.
    /// @return the id that now has the number `row`, or kReservedNumber when `row` was the last.
    uint32_t remove(const RowLayout& layout, uint32_t row);

    /// @brief What its searches learnt; affects their speed, never their result.
    CoarseHabit& habit() { return habit_; }
    const CoarseHabit& habit() const { return habit_; }

    /// @brief False and true in turn.
    bool turn() { return backwards_ = !backwards_; }

    /// @brief Chunks that hold rows.
    size_t chunks_in_use(const RowLayout& layout) const {
        return size_ == 0 ? 0 : place(layout, size_ - 1).chunk + 1;
    }

    /// @brief Number of a chunk's first row.
    static size_t first_row(const RowLayout& layout, size_t chunk);

    /// @brief The codes of rows `block` x kBlockRows and those after it.
    Blocks block(const RowLayout& layout, size_t block) const;

    const uint8_t* stored(const RowLayout& layout, uint32_t row) const;
    /// @brief The row's codes times its scale: layout.padded components.
    void decode(const RowLayout& layout, uint32_t row, float* out) const;
    uint32_t id(const RowLayout& layout, uint32_t row) const;
    const std::vector<Chunk>& chunks() const { return chunks_; }

  private:
    struct Place {
        size_t chunk;
        size_t row;
    };
    struct Lane;
    static Lane lane(const RowLayout& layout, const Chunk& chunk, size_t row);
    Lane lane(const RowLayout& layout, const Place& at) const;
    static Status check(const RowLayout& layout, const Chunk& chunk, size_t rows);
    static Place place(const RowLayout& layout, size_t row);

    uint32_t partition_;
    size_t size_ = 0;
    size_t capacity_ = 0;
    CoarseHabit habit_;
    bool backwards_ = true;
    std::vector<Chunk> chunks_;
};

}  // namespace llm_cache
