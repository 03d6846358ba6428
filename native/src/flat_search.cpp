// Search of FlatIndex; flat_index.hpp has the method and its proof.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <functional>
#include <new>

#include "flat_index.hpp"

namespace llm_cache {
namespace {

constexpr double kUp = 1 + 0x1p-20;

void prefetch(const float* row, size_t length) {
#if defined(__GNUC__) || defined(__clang__)
    for (size_t i = 0; i < length; i += 16) __builtin_prefetch(row + i);
#else
    (void)row;
    (void)length;
#endif
}

// The k greatest of the numbers added.
class GreatestBounds {
  public:
    GreatestBounds(std::vector<float>& heap, size_t k) : heap_(heap), k_(k) {
        heap_.clear();
        heap_.reserve(k);
    }

    // The k-th greatest so far; the lowest float32 while there are fewer.
    float least() const { return heap_.size() < k_ ? -FLT_MAX : heap_.front(); }

    void add(float number) {
        if (heap_.size() == k_) {
            if (!(number > heap_.front())) return;
            std::pop_heap(heap_.begin(), heap_.end(), std::greater<float>());
            heap_.back() = number;
        } else {
            heap_.push_back(number);
        }
        std::push_heap(heap_.begin(), heap_.end(), std::greater<float>());
    }

  private:
    std::vector<float>& heap_;
    size_t k_;
};

}  // namespace

Status FlatIndex::prepare(const float* query, Prepared& prepared) {
    const size_t dimension = layout_.dimension;
    Quantised coded;
    // Checks the query as it came; its codes are those of the scaled one below.
    const Status status = quantise(query, dimension, codes_.data(), coded);
    if (status != Status::kOk) return status;
    float greatest = 0;
    for (size_t i = 0; i < dimension; ++i) greatest = std::max(greatest, std::fabs(query[i]));
    prepared.exponent = 0;
    if (greatest > 0) std::frexp(greatest, &prepared.exponent);
    const double scale = std::ldexp(1.0, -prepared.exponent);
    for (size_t i = 0; i < dimension; ++i) query_[i] = static_cast<float>(query[i] * scale);
    quantise(query_.data(), dimension, codes_.data(), coded);
    int32_t sum = 0;
    for (size_t i = 0; i < dimension; ++i) sum += codes_[i];
    const double roundings = (dot_roundings(layout_.padded) + 16) * 0x1p-24;
    const double norm = static_cast<double>(coded.norm) + coded.error;
    const double norm_factor = (coded.error + roundings * norm) * kUp;
    const double error_factor = norm * (1 + roundings) * kUp;
    prepared.scan = {codes_.data(),
                     layout_.groups,
                     sum * 120,
                     sum * 128,
                     coded.scale,
                     static_cast<float>(norm_factor),
                     static_cast<float>(error_factor),
                     static_cast<float>((error_factor + 2 * norm_factor) * kUp),
                     FLT_MIN};
    prepared.vector = query_.data();
    return Status::kOk;
}

// Fills coarse_sums_ and the two arrays of upper bounds; returns the k-th greatest lower bound.
float FlatIndex::scan_coarse(const Shard& shard, const ScanQuery& query, size_t k) {
    const size_t blocks = (shard.size() + kBlockRows - 1) / kBlockRows;
    if (greatest_bounds_.size() < blocks) {
        coarse_sums_.resize(blocks * kBlockRows);
        upper_bounds_.resize(blocks * kBlockRows);
        greatest_bounds_.resize(blocks);
    }
    Findings findings;
    GreatestBounds greatest(lower_bounds_, k);
    size_t block = 0;
    for (const Chunk& chunk : shard.chunks()) {
        const size_t end = std::min(block + chunk.rows() / kBlockRows, blocks);
        const uint8_t* coarse = chunk.coarse();
        while (block < end) {
            const size_t count = std::min(kScanBlocks, end - block);
            const size_t first = block * kBlockRows;
            const CoarseOutput output = {&coarse_sums_[first], &upper_bounds_[first],
                                         &greatest_bounds_[block]};
            const size_t found =
                kernels_.scan_coarse(query, coarse, count, greatest.least(), output, findings);
            for (size_t i = 0; i < found; ++i) {
                // The last block may have vacant rows, which mean nothing.
                if (first + findings.row[i] < shard.size()) greatest.add(findings.lower[i]);
            }
            block += count;
            coarse += count * layout_.coarse;
        }
    }
    return greatest.least();
}

// Fills candidates_ by the coarse bounds alone; false when there are so many that the low bits are
// the cheaper judge.
bool FlatIndex::list_candidates(size_t rows, float threshold) {
    // A float32 row costs about 0.1 microseconds, a block's low halves 0.03 in sequence and 0.2
    // here and there.
    const size_t limit = rows / 32 + kBlockRows;
    candidates_.clear();
    for (size_t first = 0; first < rows; first += kBlockRows) {
        if (greatest_bounds_[first / kBlockRows] < threshold) continue;
        const size_t end = std::min(first + kBlockRows, rows);
        for (size_t row = first; row < end; ++row) {
            if (upper_bounds_[row] < threshold) continue;
            if (candidates_.size() == limit) return false;
            candidates_.push_back({upper_bounds_[row], static_cast<uint32_t>(row)});
        }
    }
    return true;
}

// Fills candidates_ with the rows whose full upper bound reaches the k-th greatest lower bound.
void FlatIndex::scan_fine(const Shard& shard, const ScanQuery& query, size_t k, float threshold) {
    Findings findings;
    GreatestBounds greatest(lower_bounds_, k);
    candidates_.clear();
    size_t first = 0;
    for (const Chunk& chunk : shard.chunks()) {
        const size_t end = std::min(first + chunk.rows(), shard.size());
        const uint8_t* coarse = chunk.coarse();
        const uint8_t* fine = chunk.fine();
        for (; first < end; first += kBlockRows, coarse += layout_.coarse, fine += layout_.fine) {
            if (greatest_bounds_[first / kBlockRows] < threshold) continue;
            const size_t found =
                kernels_.scan_fine(query, coarse, fine, &coarse_sums_[first], threshold, findings);
            for (size_t i = 0; i < found; ++i) {
                const uint32_t row = static_cast<uint32_t>(first) + findings.row[i];
                candidates_.push_back({findings.upper[i], row});
                greatest.add(findings.lower[i]);
            }
            threshold = std::max(threshold, greatest.least());
        }
    }
    const auto end = std::remove_if(candidates_.begin(), candidates_.end(),
                                    [&](const Candidate& c) { return c.upper < threshold; });
    candidates_.erase(end, candidates_.end());
}

// Fills hits_ with the k best candidates, best first.
void FlatIndex::rescore(const Shard& shard, const Prepared& query, size_t k) {
    const auto better = [](const Hit& a, const Hit& b) {
        return a.product != b.product ? a.product > b.product : a.id < b.id;
    };
    std::sort(candidates_.begin(), candidates_.end(),
              [](const Candidate& a, const Candidate& b) { return a.upper > b.upper; });
    constexpr size_t kAhead = 8;
    for (size_t i = 0; i < std::min(kAhead, candidates_.size()); ++i) {
        prefetch(shard.vector(layout_, candidates_[i].row), layout_.padded);
    }
    hits_.clear();
    last_rescored_ = 0;
    for (size_t i = 0; i < candidates_.size(); ++i) {
        const Candidate& candidate = candidates_[i];
        if (hits_.size() == k && candidate.upper < hits_.front().product) break;
        if (i + kAhead < candidates_.size()) {
            prefetch(shard.vector(layout_, candidates_[i + kAhead].row), layout_.padded);
        }
        const float product =
            kernels_.dot(shard.vector(layout_, candidate.row), query.vector, layout_.padded);
        ++last_rescored_;
        const Hit hit = {product, shard.id(layout_, candidate.row)};
        if (hits_.size() < k) {
            hits_.push_back(hit);
            std::push_heap(hits_.begin(), hits_.end(), better);
        } else if (better(hit, hits_.front())) {
            std::pop_heap(hits_.begin(), hits_.end(), better);
            hits_.back() = hit;
            std::push_heap(hits_.begin(), hits_.end(), better);
        }
    }
    std::sort_heap(hits_.begin(), hits_.end(), better);
}

Status FlatIndex::search(const float* query, uint32_t partition, size_t k, uint32_t* ids,
                         float* products, size_t& count) {
    count = 0;
    Prepared prepared;
    const Status status = prepare(query, prepared);
    if (status != Status::kOk) return status;
    last_rescored_ = 0;
    const uint32_t* number = partitions_.find(partition);
    if (number == nullptr || k == 0) return Status::kOk;
    const Shard& shard = *shards_[*number];
    try {
        const size_t wanted = std::min(k, shard.size());
        const float threshold = scan_coarse(shard, prepared.scan, wanted);
        if (!list_candidates(shard.size(), threshold)) {
            scan_fine(shard, prepared.scan, wanted, threshold);
        }
        rescore(shard, prepared, wanted);
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
    for (const Hit& hit : hits_) {
        ids[count] = hit.id;
        products[count] = std::ldexp(hit.product, prepared.exponent);
        ++count;
    }
    return Status::kOk;
}

}  // namespace llm_cache
