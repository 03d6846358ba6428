// What a search of IvfLists works in; ivfpq_index and whoever searches on threads of its own use
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "ivfpq_lists.hpp"

namespace llm_cache {

/// @brief The state and the result of one search at a time.
struct IvfSearch {
    /// The result, best first.
    std::vector<IvfHit> hits;
    /// Rows whose codes were looked at, and lists.
    size_t scanned = 0;
    size_t probed = 0;

  private:
    friend class IvfLists;

    struct Ranked {
        float score;
        uint32_t list;
    };
    // A row that may be among the best, by its code.
    struct Candidate {
        float score;
        uint32_t row;
        IvfLists::Block* block;
    };

    void run(const IvfLists& lists, const IvfQuery& query);
    void rank(const IvfLists& lists, size_t nprobe);
    void probe(const IvfLists& lists, uint32_t list);
    bool reach(size_t count, float base, uint32_t* masks);
    float score(float base, size_t row) const;
    void take(IvfLists::Block* block, uint32_t rows, float base, size_t first);
    void cut();
    void rescore(const IvfLists& lists);
    void drop_repeated();

    const IvfQuery* query_ = nullptr;
    IvfScratch scratch_;
    std::vector<float> products_;
    std::vector<float> table_;
    ByteTable bytes_;
    std::vector<Ranked> order_;
    std::vector<Candidate> candidates_;
    std::vector<uint16_t> words_;
    std::vector<float> sums_;
    std::vector<uint32_t> ids_;
    RowQuery row_query_;
    size_t keep_ = 0;
    /// What a row's score has to reach.
    float threshold_ = -std::numeric_limits<float>::infinity();
    /// The greatest sum of bytes there can be.
    float greatest_sum_ = 0;
};

}  // namespace llm_cache
