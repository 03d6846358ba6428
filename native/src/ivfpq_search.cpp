// A search: lists in order of nearness, a scan of their codes that lets through what reaches a
// rising threshold, and the products of the best anew.
#include "ivfpq_search.hpp"

#include <algorithm>
#include <cmath>
#include <new>

#include "quantise.hpp"

namespace llm_cache {
namespace {

// Blocks whose codes lie one behind the other and are scanned together.
constexpr size_t kRun = 16;

void prefetch(const uint8_t* bytes, size_t count) {
#if defined(__GNUC__) || defined(__clang__)
    for (size_t i = 0; i < count; i += 64) __builtin_prefetch(bytes + i);
#else
    (void)bytes;
    (void)count;
#endif
}

bool better(const IvfHit& a, const IvfHit& b) {
    return a.product != b.product ? a.product > b.product : a.id < b.id;
}

}  // namespace

Status IvfLists::search(const IvfQuery& query, IvfSearch& search) const {
    search.hits.clear();
    const Status status = check_vectors(query.vector, 1, format_.dimension);
    if (status != Status::kOk) return status;
    try {
        const Epochs::Reader reader(epochs_);
        search.run(*this, query);
    } catch (const std::bad_alloc&) {
        search.hits.clear();
        return Status::kOutOfMemory;
    }
    return Status::kOk;
}

void IvfSearch::run(const IvfLists& lists, const IvfQuery& query) {
    scanned = 0;
    probed = 0;
    query_ = &query;
    threshold_ = -std::numeric_limits<float>::infinity();
    candidates_.clear();
    if (query.k == 0) return;
    const bool kept = lists.format().rescore != Rescore::kNone;
    keep_ = kept ? std::max(query.k, query.rescored) : query.k;
    const IvfQuantiser& quantiser = lists.quantiser();
    const IvfShape& shape = quantiser.shape();
    products_.resize(quantiser.padded_lists());
    table_.resize(shape.pq().table_length());
    quantiser.prepare(query.vector, scratch_, products_.data(), table_.data());
    if (shape.nbits == 4) {
        quantiser.pq().round_table(table_.data(), bytes_);
        greatest_sum_ = 0;
        for (size_t part = 0; part < shape.m; ++part) {
            const auto first =
                bytes_.entries.begin() + static_cast<ptrdiff_t>(part * kNibbleEntries);
            greatest_sum_ += *std::max_element(first, first + kNibbleEntries);
        }
    }
    words_.resize(shape.nbits == 4 ? kRun * kCodeRows : 0);
    sums_.resize(shape.nbits == 8 ? kRun * kCodeRows : 0);
    const size_t nprobe = std::min(query.nprobe, shape.nlist);
    rank(lists, nprobe);
    for (; probed < shape.nlist; ++probed) {
        if (probed >= nprobe && candidates_.size() >= query.k) break;
        if (probed == nprobe) {
            std::sort(order_.begin() + static_cast<ptrdiff_t>(nprobe), order_.end(),
                      [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
        }
        probe(lists, order_[probed].list);
    }
    if (candidates_.size() > keep_) cut();
    rescore(lists);
}

// Puts the nprobe nearest lists first, the nearest in front.
void IvfSearch::rank(const IvfLists& lists, size_t nprobe) {
    const size_t count = lists.quantiser().shape().nlist;
    order_.resize(count);
    for (size_t i = 0; i < count; ++i) {
        order_[i] = {products_[i] - lists.quantiser().half_norm(i), static_cast<uint32_t>(i)};
    }
    const auto end = order_.begin() + static_cast<ptrdiff_t>(nprobe);
    const auto nearer = [](const Ranked& a, const Ranked& b) { return a.score > b.score; };
    if (nprobe < count) std::nth_element(order_.begin(), end, order_.end(), nearer);
    std::sort(order_.begin(), end, nearer);
}

void IvfSearch::probe(const IvfLists& lists, uint32_t number) {
    const IvfLists::Table* table = lists.lists_[number].table.load(std::memory_order_acquire);
    if (table == nullptr) return;
    const size_t count = table->count.load(std::memory_order_acquire);
    const IvfShape& shape = lists.quantiser().shape();
    const PqKernels& kernels = *lists.quantiser().kernels().pq();
    const size_t block_bytes = lists.codes_bytes_;
    const float base =
        products_[number] + static_cast<float>(shape.nbits == 4 ? bytes_.least_sum : 0);
    // No row of the list can reach the threshold.
    const float greatest = base + static_cast<float>(bytes_.step) * greatest_sum_;
    if (shape.nbits == 4 && greatest < threshold_) return;
    uint32_t alive[kRun];
    uint32_t masks[kRun];
    for (size_t i = 0; i < count;) {
        const uint8_t* codes = nullptr;
        size_t run = 0;
        for (; run < kRun && i + run < count; ++run) {
            // In this order: the codes are then at least as new as the bits.
            alive[run] = table->entries[i + run].alive.load(std::memory_order_acquire);
            const uint8_t* here = table->entries[i + run].codes.load(std::memory_order_acquire);
            if (run == 0) codes = here;
            if (here != codes + run * block_bytes) break;
        }
        if (i + run < count) {
            prefetch(table->entries[i + run].codes.load(std::memory_order_acquire), block_bytes);
        }
        if (shape.nbits == 4) {
            kernels.scan_nibbles(bytes_.entries.data(), codes, run, shape.pq().code_bytes(),
                                 words_.data());
        } else {
            kernels.scan_bytes(table_.data(), codes, run, shape.m, sums_.data());
        }
        scanned += run * kCodeRows;
        if (shape.nbits == 4) {
            const double least = (static_cast<double>(threshold_) - base) / bytes_.step;
            const uint16_t bound = least > 0 ? static_cast<uint16_t>(std::min(least, 65535.0)) : 0;
            kernels.reach_words(words_.data(), run, bound, masks);
        } else {
            kernels.reach_floats(sums_.data(), run, threshold_ - base, masks);
        }
        for (size_t block = 0; block < run; ++block) {
            const uint32_t rows = masks[block] & alive[block];
            if (rows != 0) take(table->entries[i + block].block, rows, base, block * kCodeRows);
        }
        i += run;
    }
}

// The score of a row of the scan.
float IvfSearch::score(float base, size_t row) const {
    if (words_.empty()) return base + sums_[row];
    return base + static_cast<float>(bytes_.step) * static_cast<float>(words_[row]);
}

void IvfSearch::take(IvfLists::Block* block, uint32_t rows, float base, size_t first) {
    for (uint32_t row = 0; rows != 0; ++row, rows >>= 1) {
        if ((rows & 1) == 0) continue;
        const float reached = score(base, first + row);
        if (reached < threshold_ || block->partitions[row] != query_->partition ||
            !query_->filter.takes(block->ids[row])) {
            continue;
        }
        candidates_.push_back({reached, row, block});
        if (candidates_.size() >= 2 * keep_) cut();
    }
}

// Keeps the best candidates; the last of them is what others have to reach.
void IvfSearch::cut() {
    const auto last = candidates_.begin() + static_cast<ptrdiff_t>(keep_ - 1);
    std::nth_element(candidates_.begin(), last, candidates_.end(),
                     [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    candidates_.resize(keep_);
    threshold_ = candidates_.back().score;
}

void IvfSearch::rescore(const IvfLists& lists) {
    constexpr size_t kAhead = 8;
    const RowFormat& format = lists.format();
    const Kernels& kernels = lists.quantiser().kernels();
    const bool kept = format.rescore != Rescore::kNone;
    if (kept) row_query_.prepare(format, query_->vector);
    const size_t count = candidates_.size();
    const auto ahead = [&](size_t i) {
        if (!kept || i >= count) return;
        prefetch(lists.row_of(candidates_[i].block, candidates_[i].row), format.bytes());
    };
    for (size_t i = 0; i < std::min(kAhead, count); ++i) ahead(i);
    hits.resize(count);
    for (size_t i = 0; i < count; ++i) {
        ahead(i + kAhead);
        const Candidate& one = candidates_[i];
        hits[i] = {one.score, one.block->ids[one.row]};
        if (!kept) continue;
        hits[i].product = row_query_.product(kernels, lists.row_of(one.block, one.row),
                                             lists.scale_of(one.block, one.row));
    }
    drop_repeated();
    const size_t size = std::min(query_->k, hits.size());
    std::partial_sort(hits.begin(), hits.begin() + static_cast<ptrdiff_t>(size), hits.end(),
                      better);
    hits.resize(size);
}

// A row that is replaced while a search is under way can be met as it was and as it becomes.
void IvfSearch::drop_repeated() {
    ids_.resize(hits.size());
    for (size_t i = 0; i < hits.size(); ++i) ids_[i] = hits[i].id;
    std::sort(ids_.begin(), ids_.end());
    if (std::adjacent_find(ids_.begin(), ids_.end()) == ids_.end()) return;
    std::sort(hits.begin(), hits.end(), [](const IvfHit& a, const IvfHit& b) {
        return a.id != b.id ? a.id < b.id : a.product > b.product;
    });
    hits.erase(std::unique(hits.begin(), hits.end(),
                           [](const IvfHit& a, const IvfHit& b) { return a.id == b.id; }),
               hits.end());
}

}  // namespace llm_cache
