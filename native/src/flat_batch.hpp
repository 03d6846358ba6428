// FlatBatch: many queries over one snapshot of a partition, on several threads; flat_index makes
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "shard.hpp"
#include "status.hpp"

namespace llm_cache {

/// @brief The rows of a partition as they stood when the batch was made.
///
/// Nothing is locked: the batch holds handles on the chunks, and the index copies a shared chunk
/// before it writes to it. So neither can wait for the other, a change costs at most the copy of
/// the chunks it touches (4 MiB each), and the answer is that of one moment.
class FlatBatch {
  public:
    /// @param ground memory that chunks may lie in. Does not throw.
    FlatBatch(const Kernels& kernels, const RowLayout& layout, Shard&& rows,
              std::shared_ptr<uint8_t> ground)
        : kernels_(kernels), layout_(layout), ground_(std::move(ground)), rows_(std::move(rows)) {}

    size_t dimension() const { return layout_.dimension; }
    /// @brief How many rows each query finds: min(k, rows of the partition).
    size_t found(size_t k) const { return k < rows_.size() ? k : rows_.size(); }

    /// @brief For each of `count` queries, one behind the other, what FlatIndex::search would find,
    /// exactly: found(k) ids and as many products, best first, those of one query behind those of
    /// the one before. On up to `threads` threads, the caller's among them; any thread may call.
    /// @return kOk, kNotFinite, kTooLong or kOutOfMemory; on these the results are meaningless.
    Status run(const float* queries, size_t count, size_t k, size_t threads, uint32_t* ids,
               float* products) const;

  private:
    const Kernels& kernels_;
    const RowLayout layout_;
    // Before the rows, which may lie in it.
    const std::shared_ptr<uint8_t> ground_;
    const Shard rows_;
};

}  // namespace llm_cache
