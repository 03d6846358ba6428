// The sweep of some queries through the rows, slice by slice: a slice's codes are read from memory
// once for all of them.
#include "flat_batch.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <new>
#include <vector>

#include "best_hits.hpp"
#include "flat_query.hpp"
#include "parallel.hpp"
#include "prefetch.hpp"
#include "stored_rows.hpp"

namespace llm_cache {
namespace {

// Queries of one sweep at most: their heaps and codes stay in the processor's own cache.
constexpr size_t kSweepQueries = 32;
// 256 rows: 53 KB of coarse codes at d = 384, which the queries after the first find near.
constexpr size_t kSliceBlocks = 16;
// Rows that are called into the cache before the product of the first is computed.
constexpr size_t kAhead = 8;

// One thread's queries on their way through the rows: first the greatest upper bound of each block
// for all of them, then, query by query, the blocks that these do not rule out. A row whose bound
// is below the k-th best product so far is not among the k best, so the result is exact.
class Sweep {
  public:
    Sweep(const Kernels& kernels, const RowLayout& layout, const Shard& rows)
        : kernels_(kernels),
          layout_(layout),
          rows_(rows),
          reader_(kernels, layout),
          blocks_((rows.size() + kBlockRows - 1) / kBlockRows) {
        CoarseHabit habit = rows.habit();
        coarse_ = habit.pays();
    }

    Status begin(const float* queries, size_t count) {
        queries_.reserve(count);
        for (size_t i = 0; i < count; ++i) {
            queries_.emplace_back(layout_);
            const Status status = queries_[i].prepare(layout_, queries + i * layout_.dimension);
            if (status != Status::kOk) return status;
        }
        return Status::kOk;
    }

    void run(size_t k, uint32_t* ids, float* products) {
        bound_blocks();
        for (size_t i = 0; i < queries_.size(); ++i) {
            best_.begin(k);
            search(queries_[i], greatest_.data() + i * blocks_, k);
            for (const Hit& hit : best_.sorted()) {
                *ids++ = hit.id;
                *products++ = queries_[i].unscaled(hit.product);
            }
        }
    }

  private:
    // Fills greatest_, one line a query.
    void bound_blocks() {
        // The last tile is filled up with its own first query, whose line is written more than
        // once.
        const size_t tiles = (queries_.size() + kTileQueries - 1) / kTileQueries;
        std::vector<ScanQuery> scans(tiles * kTileQueries);
        greatest_.resize(queries_.size() * blocks_);
        for (size_t i = 0; i < scans.size(); ++i) scans[i] = queries_[line(i)].scan();
        const auto kernel = coarse_ ? kernels_.scan_coarse_tile : kernels_.scan_full_tile;
        size_t block = 0;
        for (const Chunk& chunk : rows_.chunks()) {
            const size_t count = std::min(chunk.rows() / kBlockRows, blocks_ - block);
            for (size_t first = 0; first < count; first += kSliceBlocks) {
                const Blocks slice = {chunk.coarse() + first * layout_.coarse,
                                      chunk.fine() + first * layout_.fine,
                                      std::min(kSliceBlocks, count - first)};
                for (size_t tile = 0; tile < tiles; ++tile) {
                    float* greatest[kTileQueries];
                    for (size_t i = 0; i < kTileQueries; ++i) {
                        const size_t query = line(tile * kTileQueries + i);
                        greatest[i] = greatest_.data() + query * blocks_ + block + first;
                    }
                    kernel(&scans[tile * kTileQueries], slice, greatest);
                }
            }
            block += count;
        }
    }

    // Which query stands at place i of the tiles.
    size_t line(size_t i) const {
        return i < queries_.size() ? i : i / kTileQueries * kTileQueries;
    }

    // The blocks with the greatest bounds first: what they hold rules out most of the others.
    void search(const FlatQuery& query, float* greatest, size_t k) {
        take_greatest(greatest, blocks_, k, candidates_);
        std::sort_heap(candidates_.begin(), candidates_.end(), is_greater);
        for (const RowBound& seed : candidates_) {
            visit(query, seed.row, coarse_);
            settle(query);
            greatest[seed.row] = -std::numeric_limits<float>::infinity();
        }
        if (blocks_ <= k) return;
        candidates_.clear();
        for (size_t block = 0; block < blocks_; ++block) {
            if (greatest[block] < best_.least()) continue;
            candidates_.push_back({greatest[block], static_cast<uint32_t>(block)});
        }
        std::sort(candidates_.begin(), candidates_.end(), is_greater);
        // Where the coarse codes rule out little of a block, its full ones cost less than products,
        // and always less than products of rows that are decoded for them.
        const bool coarse =
            coarse_ && layout_.storage != Storage::kInt8 && candidates_.size() <= blocks_ / 8;
        for (size_t i = 0; i < candidates_.size(); ++i) {
            if (candidates_[i].bound < best_.least()) break;
            if (i + 1 < candidates_.size()) prefetch_block(candidates_[i + 1].row, coarse);
            visit(query, candidates_[i].row, coarse);
        }
        settle(query);
    }

    void prefetch_block(size_t block, bool coarse) const {
        const Blocks one = rows_.block(layout_, block);
        prefetch(one.coarse, layout_.coarse);
        if (!coarse) prefetch(one.fine, layout_.fine);
    }

    // Takes in the rows of a block that may be among the best.
    void visit(const FlatQuery& query, size_t block, bool coarse) {
        float bounds[kBlockRows];
        float greatest;
        const auto kernel = coarse ? kernels_.scan_coarse : kernels_.scan_full;
        kernel(query.scan(), rows_.block(layout_, block), {bounds, &greatest});
        if (greatest < best_.least()) return;
        const size_t first = block * kBlockRows;
        const size_t count = std::min(kBlockRows, rows_.size() - first);
        for (size_t i = 0; i < count; ++i) {
            if (bounds[i] < best_.least()) continue;
            if (pending_count_ == kAhead) settle(query);
            const uint32_t row = static_cast<uint32_t>(first + i);
            reader_.prefetch_row(rows_, row);
            pending_[pending_count_++] = {bounds[i], row};
        }
    }

    // The products of the rows that have been called into the cache.
    void settle(const FlatQuery& query) {
        for (size_t i = 0; i < pending_count_; ++i) {
            const RowBound& one = pending_[i];
            if (one.bound < best_.least()) continue;
            const float product = reader_.product(rows_, one.row, query.vector());
            best_.offer({product, rows_.id(layout_, one.row)});
        }
        pending_count_ = 0;
    }

    const Kernels& kernels_;
    const RowLayout& layout_;
    const Shard& rows_;
    RowReader reader_;
    const size_t blocks_;
    bool coarse_;
    std::vector<FlatQuery> queries_;
    std::vector<float> greatest_;
    std::vector<RowBound> candidates_;
    RowBound pending_[kAhead];
    size_t pending_count_ = 0;
    BestHits best_;
};

}  // namespace

Status FlatBatch::run(const float* queries, size_t count, size_t k, size_t threads, uint32_t* ids,
                      float* products) const {
    const size_t wanted = found(k);
    // As many for each thread, and as even as can be: none waits long for the last one.
    const size_t used = std::max<size_t>(1, std::min(threads, count));
    const size_t sweeps =
        std::max<size_t>(1, (count + kSweepQueries * used - 1) / (kSweepQueries * used)) * used;
    std::atomic<Status> outcome{Status::kOk};
    run_parallel(sweeps, threads, [&](size_t number) {
        const size_t first = count * number / sweeps;
        const size_t end = count * (number + 1) / sweeps;
        Status status;
        try {
            Sweep sweep(kernels_, layout_, rows_);
            status = sweep.begin(queries + first * layout_.dimension, end - first);
            if (status == Status::kOk && wanted > 0) {
                sweep.run(wanted, ids + first * wanted, products + first * wanted);
            }
        } catch (const std::bad_alloc&) {
            status = Status::kOutOfMemory;
        }
        if (status != Status::kOk) outcome = status;
    });
    return outcome;
}

}  // namespace llm_cache
