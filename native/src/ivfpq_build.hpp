// Lists made of many rows at once: training on a sample, then all rows in pieces; napi/ivf_index
// uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "ivfpq_lists.hpp"

namespace llm_cache {

/// @brief How lists are made.
struct IvfPlan {
    IvfShape shape;
    IvfTraining training;
    Rescore rescore;
    /// Rows that the quantiser learns from, at most.
    size_t sample;
};

/// @brief Makes lists of `count` rows, all in partition 0; where an id comes twice, the later row
/// stands. Without ids the vectors only teach, and the lists are empty. Cost: min(count, sample) x
/// nlist x dimension a round of training, and count x nlist x dimension.
/// @return null with a status of check_vectors, of IvfQuantiser::train, kFull, kCancelled or
/// kOutOfMemory.
std::unique_ptr<IvfLists> build_lists(const Kernels& kernels, const IvfPlan& plan, size_t count,
                                      const uint32_t* ids, const float* vectors,
                                      const Control& control, Status& status);

/// @brief Adds or replaces rows of partition 0, coded on so many threads; where an id comes twice,
/// the later row stands. `error` is the mean squared error of their codes. `batch` is worked in:
/// room for all rows at once.
/// @return kOk, a status of check_vectors, kFull or kOutOfMemory; but for kOk the rows that were
/// there stand.
Status set_rows(IvfLists& lists, size_t threads, size_t count, const uint32_t* ids,
                const float* vectors, IvfBatch& batch, float& error);

}  // namespace llm_cache
