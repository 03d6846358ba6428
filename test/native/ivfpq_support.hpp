// Clustered vectors, batches and a right answer for the tests of the inverted lists.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "harness.hpp"
#include "ivfpq_search.hpp"

namespace llm_cache_test {

using llm_cache::IvfBatch;
using llm_cache::IvfLists;
using llm_cache::IvfQuantiser;
using llm_cache::IvfShape;
using llm_cache::Kernels;
using llm_cache::Rescore;
using llm_cache::Status;

/// Unit vectors around some centres.
class Clustered {
  public:
    Clustered(size_t dimension, size_t centres, Random& random)
        : dimension_(dimension), centres_(centres * dimension), random_(random) {
        for (float& x : centres_) x = gaussian(random);
    }

    void draw(float* out) {
        const float* centre =
            centres_.data() + below(random_, centres_.size() / dimension_) * dimension_;
        double squares = 0;
        for (size_t i = 0; i < dimension_; ++i) {
            out[i] = centre[i] + 0.7f * gaussian(random_);
            squares += static_cast<double>(out[i]) * out[i];
        }
        for (size_t i = 0; i < dimension_; ++i) {
            out[i] = static_cast<float>(out[i] / std::sqrt(squares));
        }
    }

    std::vector<float> draw_many(size_t count) {
        std::vector<float> out(count * dimension_);
        for (size_t i = 0; i < count; ++i) draw(out.data() + i * dimension_);
        return out;
    }

  private:
    size_t dimension_;
    std::vector<float> centres_;
    Random& random_;
};

inline std::shared_ptr<const IvfQuantiser> train(const Kernels& kernels, const IvfShape& shape,
                                                 const std::vector<float>& vectors,
                                                 size_t rotations = 0) {
    Status status;
    llm_cache::IvfTraining training;
    training.rotations = rotations;
    auto made = IvfQuantiser::train(kernels, shape, vectors.data(),
                                    vectors.size() / shape.dimension, training, {}, status);
    LLM_CACHE_CHECK(status == Status::kOk && made != nullptr);
    return made;
}

/// Rows with the ids first, first + 1, ...; an id's partition is id % partitions.
inline IvfBatch batch_of(const IvfLists& lists, uint32_t first, const std::vector<float>& vectors,
                         uint32_t partitions = 1) {
    IvfBatch batch;
    const size_t count = vectors.size() / lists.format().dimension;
    for (size_t i = 0; i < count; ++i) {
        batch.ids.push_back(first + static_cast<uint32_t>(i));
        batch.partitions.push_back(batch.ids.back() % partitions);
    }
    batch.vectors = vectors;
    LLM_CACHE_CHECK(encode_batch(lists.quantiser(), lists.format(), 1, {}, batch) == Status::kOk);
    return batch;
}

inline void insert_all(IvfLists& lists, const IvfBatch& batch) {
    for (uint32_t row = 0; row < batch.size(); ++row) {
        size_t added = 0;
        LLM_CACHE_CHECK(lists.insert(batch, &row, 1, added) == Status::kOk && added == 1);
    }
}

using Ranking = std::vector<std::pair<double, uint32_t>>;

/// Products of all rows as the lists keep them, best first.
inline Ranking ranking(IvfLists& lists, const std::map<uint32_t, uint32_t>& partition_of,
                       const float* query, uint32_t partition) {
    const size_t dimension = lists.format().dimension;
    llm_cache::IvfScratch scratch;
    std::vector<float> row(dimension);
    Ranking all;
    for (const auto& [id, own] : partition_of) {
        if (own != partition) continue;
        LLM_CACHE_CHECK(lists.read(id, scratch, row.data()));
        double product = 0;
        for (size_t i = 0; i < dimension; ++i) product += static_cast<double>(row[i]) * query[i];
        all.push_back({product, id});
    }
    std::sort(all.rbegin(), all.rend());
    return all;
}

}  // namespace llm_cache_test
