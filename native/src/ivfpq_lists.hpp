// IvfLists: rows in inverted lists, changed by one thread while any number of others search;
// ivfpq_index uses it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "code_pool.hpp"
#include "epochs.hpp"
#include "id_table.hpp"
#include "ivfpq_quantiser.hpp"
#include "ivfpq_rows.hpp"

namespace llm_cache {

/// @brief Which ids a search may find: those whose bit is set. No words: all of them.
struct IdFilter {
    const uint64_t* words = nullptr;
    /// Ids from here on are not found.
    size_t bits = 0;

    bool takes(uint32_t id) const {
        return words == nullptr || (id < bits && (words[id / 64] >> (id % 64) & 1) != 0);
    }
};

struct IvfQuery {
    const float* vector;
    uint32_t partition;
    size_t k;
    /// Lists looked at, at least; more are where these hold fewer than k rows of the partition.
    size_t nprobe;
    /// Rows whose product is worked out from the kept rows.
    size_t rescored;
    IdFilter filter;
};

struct IvfHit {
    float product;
    uint32_t id;
};

/// @brief What one thread searches in; reused from search to search.
struct IvfSearch;
/// @brief Lists as arrays (ivfpq_state.hpp).
struct IvfState;

/// @brief Rows under ids in lists, each in a partition. One thread changes it; searches run on any
/// thread at any time, without a lock.
///
/// A list is a table of entries, one for each block of 32 rows. Of an entry a search sees two
/// numbers that change: which rows are alive, a bit each, and where the block's codes lie. Codes
/// are packed for the scan, 32 rows together, so a new row gets a copy of its block's codes, which
/// then takes the old one's place; everything else of a row lies in the block itself and is written
/// before its bit is set. What a search may still see is used again when it cannot any more
/// (Epochs): replaced codes, the place of a removed row, a list that was rewritten because more
/// than half of it was holes.
class IvfLists {
  public:
    /// @brief May throw std::bad_alloc.
    IvfLists(std::shared_ptr<const IvfQuantiser> quantiser, Rescore rescore);
    ~IvfLists();
    IvfLists(const IvfLists&) = delete;
    IvfLists& operator=(const IvfLists&) = delete;

    const IvfQuantiser& quantiser() const { return *quantiser_; }
    const std::shared_ptr<const IvfQuantiser>& shared_quantiser() const { return quantiser_; }
    const RowFormat& format() const { return format_; }

    size_t size() const { return slots_.size(); }
    size_t bytes() const;
    /// @brief Rows of a partition.
    size_t partition_size(uint32_t partition);
    /// @brief A number that stays the same as long as the row stands as it is; kReservedNumber when
    /// there is none.
    uint32_t slot_of(uint32_t id) { return slots_.find(id); }

    /// @brief Adds rows of one list, `count` of the batch's, numbered by `rows`.
    /// @pre None of the ids is there.
    /// @return kOk, kOutOfMemory or kFull; `added` of them are in then.
    Status insert(const IvfBatch& batch, const uint32_t* rows, size_t count, size_t& added);

    /// @brief Removes a row; false when there is none.
    bool remove(uint32_t id);
    /// @brief Removes all rows of a partition.
    void clear(uint32_t partition);

    /// @brief The vector as it is kept: rounded, or as its code stands for. False when there is
    /// none. May throw std::bad_alloc.
    bool read(uint32_t id, IvfScratch& scratch, float* out);

    /// @brief Appends up to `limit` rows to the batch, last lists first, as `read` gives them;
    /// `slots` are theirs. May throw std::bad_alloc.
    void copy_rows(size_t limit, IvfScratch& scratch, IvfBatch& batch,
                   std::vector<uint32_t>& slots);

    /// @brief Leaves up to min(k, rows that qualify) hits in `search`, best first. From any thread.
    /// @return kOk, or a status of check_vectors, or kOutOfMemory.
    Status search(const IvfQuery& query, IvfSearch& search) const;

    /// @brief Appends the ids of all rows. May throw std::bad_alloc.
    void copy_ids(std::vector<uint32_t>& out) const;

    /// @brief Makes lists of what an IvfSnapshot gave. All of a row stays where it is, so that
    /// memory has to outlive the lists; nothing is written to it. Every count is checked before
    /// anything is allocated by it, and every value that an access depends on.
    /// @return null with kDamaged, kOutOfMemory or a status of IvfQuantiser::create.
    static std::unique_ptr<IvfLists> import_state(const Kernels& kernels, const IvfState& state,
                                                  Status& status);

  private:
    friend struct IvfSearch;
    friend class IvfSnapshot;

    // 32 rows: behind the block, or in memory that an import was given.
    struct Block {
        uint32_t* ids;
        uint32_t* partitions;
        // Of rows that have one; else behind the block lies something else.
        float* scales;
        // As they are kept.
        uint8_t* rows;
        // Those and the codes belong to others, so no row is added.
        bool borrowed;
        uint32_t number;
        uint32_t list;
        // Its place in the list's table.
        uint32_t index;
        // Rows ever written, unless they were given up since.
        uint32_t used;
        // When a row was removed last.
        uint64_t retired_at;
    };
    struct Entry {
        Block* block = nullptr;
        std::atomic<uint8_t*> codes{nullptr};
        std::atomic<uint32_t> alive{0};
    };
    struct Table {
        explicit Table(uint32_t room) : capacity(room), entries(new Entry[room]) {}
        std::atomic<uint32_t> count{0};
        const uint32_t capacity;
        const std::unique_ptr<Entry[]> entries;
    };
    struct List {
        std::atomic<Table*> table{nullptr};
        uint32_t rows = 0;
    };
    // What waits until no search can see it any more.
    struct Retired {
        uint64_t epoch;
        uint8_t* codes;
        Block* block;
        Table* table;
    };
    struct FreeBlock {
        void operator()(Block* block) const;
    };
    using OwnedBlock = std::unique_ptr<Block, FreeBlock>;

    uint8_t* row_of(const Block* block, size_t row) const {
        return block->rows + row * format_.bytes();
    }
    float scale_of(const Block* block, size_t row) const {
        return format_.is_scaled() ? block->scales[row] : 0;
    }
    // Where a block's own ids begin, and its kept rows behind them, partitions and scales.
    static constexpr size_t kIdOffset = (sizeof(Block) + 63) / 64 * 64;
    size_t row_offset() const {
        return kIdOffset + (format_.is_scaled() ? 3 : 2) * kCodeRows * sizeof(uint32_t);
    }
    size_t bytes_of(const Block& block) const;
    size_t entries_of(const List& list) const {
        const Table* table = list.table.load(std::memory_order_relaxed);
        return table == nullptr ? 0 : table->count.load(std::memory_order_relaxed);
    }
    uint32_t free_rows(const Entry& entry) const;
    OwnedBlock make_block(uint32_t list, bool borrowed);
    void adopt(Block* block);
    void give_up(Block* block);
    void write(Block* block, size_t row, uint8_t* codes, const IvfBatch& batch, uint32_t from);
    size_t fill(Entry& entry, const IvfBatch& batch, const uint32_t* rows, size_t count);
    size_t append(List& list, const IvfBatch& batch, const uint32_t* rows, size_t count);
    void grow(List& list);
    void rewrite(List& list);
    void rewrite_if_loose(List& list);
    void take_out(Entry& entry, size_t row);
    void reserve_retired(size_t more);
    void retire(uint8_t* codes, Block* block, Table* table);
    void free(const Retired& retired);
    void collect();

    void adopt_row(uint32_t id, uint32_t partition, uint32_t slot);
    bool borrow(const IvfState& state);
    bool borrow_block(List& list, uint32_t number, const IvfState& state, size_t first,
                      size_t count, const uint8_t* codes);

    const std::shared_ptr<const IvfQuantiser> quantiser_;
    const RowFormat format_;
    const size_t codes_bytes_;
    CodePool pool_;
    std::vector<List> lists_;
    std::vector<Block*> blocks_;
    std::vector<uint32_t> free_numbers_;
    IdTable slots_;
    NumberMap<uint32_t> partitions_;
    std::vector<Retired> retired_;
    size_t first_retired_ = 0;
    size_t table_bytes_ = 0;
    size_t block_bytes_ = 0;
    mutable Epochs epochs_;
};

}  // namespace llm_cache
