// Search of FlatIndex; flat_index.hpp has the method and its proof.
#include <algorithm>
#include <cfloat>
#include <functional>
#include <new>

#include "flat_index.hpp"

namespace llm_cache {

// Fills the two arrays of upper bounds. Every other scan goes through the chunks backwards: what
// the last one read last is then still in the processor's own cache.
void FlatIndex::scan(Shard& shard, const ScanQuery& query, bool full) {
    const size_t blocks = (shard.size() + kBlockRows - 1) / kBlockRows;
    if (greatest_bounds_.size() < blocks) {
        upper_bounds_.resize(blocks * kBlockRows);
        greatest_bounds_.resize(blocks);
    }
    const auto kernel = full ? kernels_.scan_full : kernels_.scan_coarse;
    const bool backwards = shard.turn();
    const size_t chunks = shard.chunks_in_use(layout_);
    for (size_t i = 0; i < chunks; ++i) {
        const size_t number = backwards ? chunks - 1 - i : i;
        const Chunk& chunk = shard.chunks()[number];
        const size_t first = Shard::first_row(layout_, number) / kBlockRows;
        const size_t count = std::min(chunk.rows() / kBlockRows, blocks - first);
        kernel(query, {chunk.coarse(), chunk.fine(), count},
               {&upper_bounds_[first * kBlockRows], &greatest_bounds_[first]});
    }
}

// Replaces the coarse bounds of the blocks that reach the threshold by full ones.
void FlatIndex::refine(const Shard& shard, const ScanQuery& query, float threshold) {
    const size_t blocks = (shard.size() + kBlockRows - 1) / kBlockRows;
    size_t first = 0;
    for (const Chunk& chunk : shard.chunks()) {
        const size_t count = std::min(chunk.rows() / kBlockRows, blocks - first);
        for (size_t block = 0; block < count; ++block) {
            const size_t start = block;
            while (block < count && greatest_bounds_[first + block] >= threshold) ++block;
            if (block == start) continue;
            const Blocks run = {chunk.coarse() + start * layout_.coarse,
                                chunk.fine() + start * layout_.fine, block - start};
            kernels_.scan_full(
                query, run,
                {&upper_bounds_[(first + start) * kBlockRows], &greatest_bounds_[first + start]});
        }
        first += count;
        if (first == blocks) break;
    }
}

// A number that k rows reach: the k-th greatest of the float32 products of up to 2 k rows with
// great upper bounds. A row whose upper bound is less is not among the k best. The k-th greatest
// lower bound would do as well, but lies a whole error bound deeper and lets many times as many
// rows through.
float FlatIndex::threshold_for(const Shard& shard, const FlatQuery& query, size_t k) {
    const size_t blocks = (shard.size() + kBlockRows - 1) / kBlockRows;
    if (blocks < k) return -FLT_MAX;
    // The k blocks with the greatest bounds: k rows reach the least of them.
    take_greatest(greatest_bounds_.data(), blocks, k, candidates_);
    const float least = candidates_.front().bound;
    for (size_t i = 0; i < k; ++i) {
        const size_t first = candidates_[i].row * kBlockRows;
        for (size_t row = first; row < std::min(first + kBlockRows, shard.size()); ++row) {
            if (upper_bounds_[row] < least) continue;
            candidates_.push_back({upper_bounds_[row], static_cast<uint32_t>(row)});
        }
    }
    candidates_.erase(candidates_.begin(), candidates_.begin() + static_cast<ptrdiff_t>(k));
    if (candidates_.size() > 2 * k) {
        const auto end = candidates_.begin() + static_cast<ptrdiff_t>(2 * k);
        std::nth_element(candidates_.begin(), end, candidates_.end(), is_greater);
        candidates_.erase(end, candidates_.end());
    }
    for (const RowBound& one : candidates_) reader_.prefetch_row(shard, one.row);
    for (RowBound& one : candidates_) {
        one.bound = reader_.product(shard, one.row, query.vector());
    }
    const auto last = candidates_.begin() + static_cast<ptrdiff_t>(k - 1);
    std::nth_element(candidates_.begin(), last, candidates_.end(), is_greater);
    return last->bound;
}

// Fills candidates_ with the rows whose upper bound reaches the threshold; false when there are
// more than `limit`.
bool FlatIndex::list_candidates(size_t rows, float threshold, size_t limit) {
    const RowKernels& chooser = *kernels_.rows();
    candidates_.clear();
    // Blocks whose greatest bounds are looked at together.
    constexpr size_t kTogether = 64;
    uint32_t blocks[kTogether];
    uint32_t chosen[kBlockRows];
    for (size_t start = 0; start * kBlockRows < rows; start += kTogether) {
        const size_t count = std::min(kTogether, (rows - 1) / kBlockRows + 1 - start);
        const size_t length = chooser.at_least(&greatest_bounds_[start], count, threshold, blocks);
        for (size_t i = 0; i < length; ++i) {
            const size_t first = (start + blocks[i]) * kBlockRows;
            const float* bounds = &upper_bounds_[first];
            const size_t more =
                chooser.at_least(bounds, std::min(kBlockRows, rows - first), threshold, chosen);
            if (candidates_.size() + more > limit) return false;
            for (size_t j = 0; j < more; ++j) {
                const uint32_t row = static_cast<uint32_t>(first) + chosen[j];
                candidates_.push_back({bounds[chosen[j]], row});
            }
        }
    }
    return true;
}

// Fills candidates_ so that the k best rows are among them. The coarse codes are half as much to
// read, but where they rule out too few rows the full ones are needed after them; where that
// happened twice in a row they are left out for some searches, twice as many each time it happens
// again.
void FlatIndex::find_candidates(Shard& shard, const FlatQuery& query, size_t k) {
    // Rescoring a row costs about 0.06 microseconds, scanning one by its full codes 0.0035.
    const size_t limit = shard.size() / 32 + 2 * k + kBlockRows;
    const bool by_coarse = shard.habit().pays();
    scan(shard, query.scan(), !by_coarse);
    const float threshold = threshold_for(shard, query, k);
    if (by_coarse) {
        const bool pays = list_candidates(shard.size(), threshold, limit);
        shard.habit().note(pays);
        // Where a product needs all codes of the row, bounds by these come first.
        if (pays && layout_.storage != Storage::kInt8) return;
        refine(shard, query.scan(), threshold);
    }
    list_candidates(shard.size(), threshold, shard.size());
}

// Fills best_ with the k best candidates.
void FlatIndex::rescore(const Shard& shard, const FlatQuery& query, size_t k) {
    std::sort(candidates_.begin(), candidates_.end(), is_greater);
    constexpr size_t kAhead = 8;
    for (size_t i = 0; i < std::min(kAhead, candidates_.size()); ++i) {
        reader_.prefetch_row(shard, candidates_[i].row);
    }
    best_.begin(k);
    for (size_t i = 0; i < candidates_.size(); ++i) {
        const RowBound& candidate = candidates_[i];
        if (candidate.bound < best_.least()) break;
        if (i + kAhead < candidates_.size()) {
            reader_.prefetch_row(shard, candidates_[i + kAhead].row);
        }
        const float product = reader_.product(shard, candidate.row, query.vector());
        ++last_rescored_;
        if (product < best_.least()) continue;
        best_.offer({product, shard.id(layout_, candidate.row)});
    }
}

Status FlatIndex::search(const float* query, uint32_t partition, size_t k, uint32_t* ids,
                         float* products, size_t& count) {
    count = 0;
    const Status status = query_.prepare(layout_, query);
    if (status != Status::kOk) return status;
    last_rescored_ = 0;
    const uint32_t* number = partitions_.find(partition);
    if (number == nullptr || k == 0) return Status::kOk;
    Shard& shard = *shards_[*number];
    try {
        const size_t wanted = std::min(k, shard.size());
        find_candidates(shard, query_, wanted);
        rescore(shard, query_, wanted);
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
    for (const Hit& hit : best_.sorted()) {
        ids[count] = hit.id;
        products[count] = query_.unscaled(hit.product);
        ++count;
    }
    return Status::kOk;
}

}  // namespace llm_cache
