// The k best rows seen so far; the searches of the flat index use it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace llm_cache {

/// @brief A row's product with the query, and its id.
struct Hit {
    float product;
    uint32_t id;
};

/// @brief Whether `a` comes before `b`: by greater product, equal ones by smaller id. An object and
/// no function, so that the algorithms it is given to have it inline.
inline constexpr auto is_better = [](const Hit& a, const Hit& b) {
    return a.product != b.product ? a.product > b.product : a.id < b.id;
};

/// @brief A row, or a block of rows, and a bound of its product.
struct RowBound {
    float bound;
    uint32_t row;
};

inline constexpr auto is_greater = [](const RowBound& a, const RowBound& b) {
    return a.bound > b.bound;
};

/// @brief Fills `out` with the k greatest (at least 1) of `count` bounds, or all where there are
/// fewer, as a heap whose front is the least. May throw std::bad_alloc.
inline void take_greatest(const float* bounds, size_t count, size_t k, std::vector<RowBound>& out) {
    out.clear();
    for (size_t i = 0; i < count; ++i) {
        if (out.size() == k) {
            if (bounds[i] <= out.front().bound) continue;
            std::pop_heap(out.begin(), out.end(), is_greater);
            out.pop_back();
        }
        out.push_back({bounds[i], static_cast<uint32_t>(i)});
        std::push_heap(out.begin(), out.end(), is_greater);
    }
}

/// @brief A heap whose front is the worst of the k best.
class BestHits {
  public:
    /// @brief Forgets all and keeps up to `k`, at least 1. Allocates nothing; `offer` may.
    void begin(size_t k) {
        k_ = k;
        hits_.clear();
    }

    /// @brief The product that a row must reach to be among the k best; -infinity until there are
    /// k.
    float least() const {
        return hits_.size() < k_ ? -std::numeric_limits<float>::infinity() : hits_.front().product;
    }

    /// @brief May throw std::bad_alloc.
    void offer(const Hit& hit) {
        if (hits_.size() < k_) {
            hits_.push_back(hit);
            std::push_heap(hits_.begin(), hits_.end(), is_better);
        } else if (is_better(hit, hits_.front())) {
            std::pop_heap(hits_.begin(), hits_.end(), is_better);
            hits_.back() = hit;
            std::push_heap(hits_.begin(), hits_.end(), is_better);
        }
    }

    /// @brief The hits, best first; `begin` comes before the next offer.
    const std::vector<Hit>& sorted() {
        std::sort_heap(hits_.begin(), hits_.end(), is_better);
        return hits_;
    }

    size_t bytes() const { return hits_.capacity() * sizeof(Hit); }

  private:
    size_t k_ = 1;
    std::vector<Hit> hits_;
};

}  // namespace llm_cache
