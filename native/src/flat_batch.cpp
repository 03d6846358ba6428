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
#include "stored_rows.hpp"

namespace llm_cache {
namespace {

// Queries of one sweep at most: their heaps and codes stay in the second cache of a core.
constexpr size_t kSweepQueries = 64;
// 256 rows: 53 KB of coarse codes at d = 384, which the queries after the first find near.
constexpr size_t kSliceBlocks = 16;
// Rows that are called into the cache before the product of the first is computed.
constexpr size_t kAhead = 8;

// One thread's queries on their way through the rows. First the greatest upper bound of each block
// for all of them; then for each query the blocks with the greatest of these, whose products rule
// out most of the others; then slice by slice, for all queries, what is left. A row whose bound is
// below the k-th best product so far is not among the k best, so the result is exact.
class Sweep {
  public:
    Sweep(const Kernels& kernels, const RowLayout& layout, const Shard& rows)
        : kernels_(kernels),
          chooser_(*kernels.rows()),
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
        best_.resize(queries_.size());
        for (size_t i = 0; i < queries_.size(); ++i) {
            best_[i].begin(k);
            begin_with_greatest(i, k);
        }
        for (size_t first = 0; first < blocks_; first += kSliceBlocks) {
            const size_t count = std::min(kSliceBlocks, blocks_ - first);
            if (coarse_) sharpen(first, count);
            for (size_t i = 0; i < queries_.size(); ++i) look_through(i, first, count);
        }
        for (size_t i = 0; i < queries_.size(); ++i) {
            for (const Hit& hit : best_[i].sorted()) {
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

    void begin_with_greatest(size_t query, size_t k) {
        float* greatest = greatest_.data() + query * blocks_;
        take_greatest(greatest, blocks_, k, seeds_);
        std::sort_heap(seeds_.begin(), seeds_.end(), is_greater);
        for (const RowBound& seed : seeds_) {
            visit(query, seed.row);
            settle(query);
            greatest[seed.row] = -std::numeric_limits<float>::infinity();
        }
    }

    // Replaces coarse bounds of the slice's blocks by full ones, for the queries that need them:
    // tile by tile that is cheaper than looking at the rows.
    void sharpen(size_t first, size_t count) {
        uint32_t needing[kSliceBlocks][kSweepQueries];
        size_t lengths[kSliceBlocks] = {};
        uint32_t left[kSliceBlocks];
        for (uint32_t i = 0; i < queries_.size(); ++i) {
            const float* greatest = greatest_.data() + i * blocks_ + first;
            const size_t length = chooser_.at_least(greatest, count, best_[i].least(), left);
            for (size_t j = 0; j < length; ++j) needing[left[j]][lengths[left[j]]++] = i;
        }
        for (size_t block = 0; block < count; ++block) {
            const Blocks codes = rows_.block(layout_, first + block);
            for (size_t start = 0; start < lengths[block]; start += kTileQueries) {
                ScanQuery scans[kTileQueries];
                float* greatest[kTileQueries];
                for (size_t i = 0; i < kTileQueries; ++i) {
                    // The last tile is filled up with its first query.
                    const size_t at = start + i < lengths[block] ? start + i : start;
                    const size_t query = needing[block][at];
                    scans[i] = queries_[query].scan();
                    greatest[i] = greatest_.data() + query * blocks_ + first + block;
                }
                kernels_.scan_full_tile(scans, codes, greatest);
            }
        }
    }

    void look_through(size_t query, size_t first, size_t count) {
        const float* greatest = greatest_.data() + query * blocks_ + first;
        const BestHits& best = best_[query];
        uint32_t left[kSliceBlocks];
        const size_t length = chooser_.at_least(greatest, count, best.least(), left);
        for (size_t i = 0; i < length; ++i) {
            if (greatest[left[i]] < best.least()) continue;
            visit(query, first + left[i]);
        }
        settle(query);
    }

    // Takes in the rows of a block that may be among the best: by its full codes, whose other half
    // costs less than the products that it spares.
    void visit(size_t query, size_t block) {
        float bounds[kBlockRows];
        float greatest;
        kernels_.scan_full(queries_[query].scan(), rows_.block(layout_, block),
                           {bounds, &greatest});
        const float least = best_[query].least();
        if (greatest < least) return;
        const size_t first = block * kBlockRows;
        uint32_t chosen[kBlockRows];
        const size_t count =
            chooser_.at_least(bounds, std::min(kBlockRows, rows_.size() - first), least, chosen);
        for (size_t i = 0; i < count; ++i) {
            if (pending_count_ == kAhead) settle(query);
            const uint32_t row = static_cast<uint32_t>(first) + chosen[i];
            reader_.prefetch_row(rows_, row);
            pending_[pending_count_++] = {bounds[chosen[i]], row};
        }
    }

    // The products of the rows that have been called into the cache.
    void settle(size_t query) {
        BestHits& best = best_[query];
        for (size_t i = 0; i < pending_count_; ++i) {
            const RowBound& one = pending_[i];
            if (one.bound < best.least()) continue;
            const float product = reader_.product(rows_, one.row, queries_[query].vector());
            if (product < best.least()) continue;
            best.offer({product, rows_.id(layout_, one.row)});
        }
        pending_count_ = 0;
    }

    const Kernels& kernels_;
    const RowKernels& chooser_;
    const RowLayout& layout_;
    const Shard& rows_;
    RowReader reader_;
    const size_t blocks_;
    bool coarse_;
    std::vector<FlatQuery> queries_;
    std::vector<float> greatest_;
    std::vector<BestHits> best_;
    std::vector<RowBound> seeds_;
    RowBound pending_[kAhead];
    size_t pending_count_ = 0;
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
