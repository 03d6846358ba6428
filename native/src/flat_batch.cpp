// The sweep of some queries through the rows, slice by slice: a slice's codes are read from memory
// once for all of them.
#include "flat_batch.hpp"

#include <algorithm>
#include <atomic>
#include <new>
#include <vector>

#include "best_hits.hpp"
#include "flat_query.hpp"
#include "parallel.hpp"

namespace llm_cache {
namespace {

// Queries of one sweep at most: their heaps and codes stay in the processor's own cache.
constexpr size_t kSweepQueries = 32;
// 256 rows: 53 KB of coarse codes at d = 384, which the queries after the first find near.
constexpr size_t kSliceBlocks = 16;

// One thread's queries on their way through the rows. A row whose upper bound is below the k-th
// best product so far is not among the k best, so what the sweep ends with is exact.
class Sweep {
  public:
    Sweep(const Kernels& kernels, const RowLayout& layout, const Shard& rows)
        : kernels_(kernels), layout_(layout), rows_(rows), habit_(rows.habit()) {}

    Status begin(const float* queries, size_t count, size_t k) {
        queries_.reserve(count);
        best_.resize(count);
        for (size_t i = 0; i < count; ++i) {
            queries_.emplace_back(layout_);
            const Status status = queries_[i].prepare(layout_, queries + i * layout_.dimension);
            if (status != Status::kOk) return status;
            scans_.push_back(queries_[i].scan());
            best_[i].begin(k);
        }
        return Status::kOk;
    }

    void run() {
        const size_t chunks = rows_.chunks_in_use(layout_);
        size_t first = 0;
        for (size_t i = 0; i < chunks; ++i) {
            const Chunk& chunk = rows_.chunks()[i];
            pass(chunk, std::min(chunk.rows(), rows_.size() - first));
            first += chunk.rows();
        }
    }

    void write(uint32_t* ids, float* products) {
        for (size_t i = 0; i < queries_.size(); ++i) {
            for (const Hit& hit : best_[i].sorted()) {
                *ids++ = hit.id;
                *products++ = queries_[i].unscaled(hit.product);
            }
        }
    }

  private:
    // All queries through a chunk's first `rows` rows.
    void pass(const Chunk& chunk, size_t rows) {
        const bool coarse = habit_.pays();
        const size_t blocks = (rows + kBlockRows - 1) / kBlockRows;
        refined_ = 0;
        for (size_t first = 0; first < blocks; first += kSliceBlocks) {
            const size_t count = std::min(kSliceBlocks, blocks - first);
            const Blocks slice = {chunk.coarse() + first * layout_.coarse,
                                  chunk.fine() + first * layout_.fine, count};
            for (size_t query = 0; query < scans_.size(); ++query) {
                scan(coarse, query, slice);
                harvest(coarse, query, chunk, slice, first * kBlockRows, rows);
            }
        }
        if (coarse) habit_.note(refined_ * 2 <= blocks * scans_.size());
    }

    void scan(bool coarse, size_t query, const Blocks& slice) {
        const auto kernel = coarse ? kernels_.scan_coarse : kernels_.scan_full;
        kernel(scans_[query], slice, {upper_bounds_, greatest_});
    }

    // Takes in the rows of a slice that may be among the best; `first` is the slice's first row.
    void harvest(bool coarse, size_t query, const Chunk& chunk, const Blocks& slice, size_t first,
                 size_t rows) {
        BestHits& best = best_[query];
        for (size_t block = 0; block < slice.count; ++block) {
            if (greatest_[block] < best.least()) continue;
            float* bounds = upper_bounds_ + block * kBlockRows;
            if (coarse) {
                ++refined_;
                const Blocks one = {slice.coarse + block * layout_.coarse,
                                    slice.fine + block * layout_.fine, 1};
                kernels_.scan_full(scans_[query], one, {bounds, greatest_ + block});
                if (greatest_[block] < best.least()) continue;
            }
            const size_t begin = first + block * kBlockRows;
            const size_t end = std::min(begin + kBlockRows, rows);
            for (size_t row = begin; row < end; ++row) {
                if (bounds[row - begin] < best.least()) continue;
                const float product = kernels_.dot(chunk.vector(layout_, row),
                                                   queries_[query].vector(), layout_.padded);
                best.offer({product, chunk.ids()[row]});
            }
        }
    }

    const Kernels& kernels_;
    const RowLayout& layout_;
    const Shard& rows_;
    CoarseHabit habit_;
    std::vector<FlatQuery> queries_;
    std::vector<ScanQuery> scans_;
    std::vector<BestHits> best_;
    size_t refined_ = 0;
    float upper_bounds_[kSliceBlocks * kBlockRows];
    float greatest_[kSliceBlocks];
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
            status = sweep.begin(queries + first * layout_.dimension, end - first, wanted);
            if (status == Status::kOk && wanted > 0) {
                sweep.run();
                sweep.write(ids + first * wanted, products + first * wanted);
            }
        } catch (const std::bad_alloc&) {
            status = Status::kOutOfMemory;
        }
        if (status != Status::kOk) outcome = status;
    });
    return outcome;
}

}  // namespace llm_cache
