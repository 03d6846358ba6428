// FlatIndex: exact nearest neighbours by inner product, fast by int8 codes and exact by their error
// bound; napi/flat_index uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "best_hits.hpp"
#include "flat_batch.hpp"
#include "flat_query.hpp"
#include "number_map.hpp"
#include "shard.hpp"
#include "state/container.hpp"
#include "status.hpp"

namespace llm_cache {

constexpr size_t kGreatestDimension = 65536;

/// @brief Rows of float32 under ids, each in one partition. Not thread-safe: one thread at a time;
/// only the batches it makes may run on others meanwhile.
///
/// Method. A row x is kept as float32 and as int8 codes: x = s_x c_x + e_x, with the norms |x^| =
/// |s_x c_x| and |e_x| rounded up (quantise.hpp). The query is first scaled by a power of two so
/// that its greatest component lies in [1/2, 1), then coded likewise: q = s_q c_q + e_q. Then
///
///     x.q = s_x s_q c_x.c_q + x^.e_q + e_x.q,   hence   |x.q - s_x s_q c_x.c_q| <= |x^| |e_q| +
///     |e_x| |q|
///
/// by Cauchy and Schwarz. c_x.c_q is an exact integer. What is computed in float32 differs from the
/// real numbers by
/// - the float32 product of the rescoring: dot_roundings(d) 2^-24 |x| |q| (kernels.hpp) and d
/// 2^-149 for underflow;
/// - the conversion of c_x.c_q, two products, one sum, two fused or four single roundings of the
/// bound: under
///   12 x 2^-24 (|x^| |q^| + bound) and 2^-149 for underflow.
/// With c = (dot_roundings(d) + 16) 2^-24 and |x| <= |x^| + |e_x| both fit into
///
///     bound = |x^| (|e_q| + c Q) (1 + 2^-20) + |e_x| Q (1 + c) (1 + 2^-20) + 2^-126,   Q = |q^| +
///     |e_q| >= |q|
///
/// The same holds for the coarse codes (the high 4 bits; quantise.hpp) with the coarse residual e'
/// in place of e_x. Their norm is at most |x^| + |e_x| + |e'| <= |x^| + 2 |e'|, so the coarse bound
/// takes the factor of |e_x| plus twice that of |x^|.
///
/// A scan works out an upper bound of every row's product. The float32 products of k promising rows
/// give a threshold that k rows reach, so the rows whose upper bound is below it are not among the
/// k best. The others are candidates, rescored in order of decreasing upper bound until that falls
/// below the k-th best float32 product. The scan goes by the coarse codes as long as these leave
/// few candidates, else by the full ones. The result is that of computing all float32 products,
/// ties by smaller id.
class FlatIndex {
  public:
    /// @param dimension 1 to kGreatestDimension.
    /// @return null with a status when the dimension is out of range or memory is short.
    static std::unique_ptr<FlatIndex> create(const Kernels& kernels, double dimension,
                                             Status& status);

    /// @brief The index that a state file holds (state/flat_state.hpp), over the file's own memory:
    /// nothing is copied. @param ground keeps that memory; it is written to where rows change, so
    /// it must be private to this index.
    /// @param budget bytes that may be allocated besides.
    /// @return null with kDamaged, kOverBudget or kOutOfMemory.
    static std::unique_ptr<FlatIndex> adopt(const Kernels& kernels, const ContainerReader& reader,
                                            std::shared_ptr<uint8_t> ground, uint64_t budget,
                                            Status& status);

    size_t size() const { return locations_.size(); }
    size_t dimension() const { return layout_.dimension; }
    size_t bytes() const { return bytes_ + fixed_bytes(); }
    size_t last_rescored() const { return last_rescored_; }

    /// @brief Adds or replaces a row; it moves when the partition differs. On any status but kOk
    /// nothing has changed.
    Status set(uint32_t id, uint32_t partition, const float* vector, bool& is_new);

    /// @brief As `set` for each of `count` rows, or not at all.
    Status set_many(size_t count, const uint32_t* ids, uint32_t partition, const float* vectors);

    /// @brief Removes a row; `removed` tells whether there was one. Needs memory only where a batch
    /// shares the rows' memory. On any status but kOk nothing has changed.
    Status remove(uint32_t id, bool& removed);

    bool has(uint32_t id) { return locations_.find(id) != nullptr; }

    /// @brief The row's `dimension` components, or null.
    const float* read(uint32_t id);

    /// @brief Rows of a partition.
    size_t partition_size(uint32_t partition);

    /// @brief The partition of a row, kReservedNumber where there is none.
    uint32_t partition_of(uint32_t id);

    /// @brief The partitions that have rows, and the ids of one's rows, in no order. May throw
    /// std::bad_alloc.
    void partitions(std::vector<uint32_t>& out) const;
    void ids_in(uint32_t partition, std::vector<uint32_t>& out);

    /// @brief The min(k, rows of the partition) rows with the greatest inner product, best first,
    /// ties by smaller id. `ids` and `products` have room for that many. A product is the float32
    /// one, exactly: 2^t x dot(row, 2^-t query).
    Status search(const float* query, uint32_t partition, size_t k, uint32_t* ids, float* products,
                  size_t& count);

    /// @brief A batch of searches over the partition's rows as they stand now: later changes copy
    /// the chunks they touch, so they neither wait for it nor show in it. To be made and destroyed
    /// on this index's thread, in any order with the index; null with kOutOfMemory.
    std::unique_ptr<FlatBatch> batch(uint32_t partition, Status& status);

    void clear();
    void clear(uint32_t partition);

  private:
    struct Location {
        uint32_t shard;
        uint32_t row;
    };
    FlatIndex(const Kernels& kernels, size_t dimension);

    size_t fixed_bytes() const;
    uint32_t reserve(size_t count, const uint32_t* ids, uint32_t partition);
    void own(uint32_t shard, size_t first, size_t end);
    uint32_t shard_for(uint32_t partition, size_t more_rows);
    void erase(uint32_t id, Location at);
    void place(uint32_t id, uint32_t shard, const float* vector, const Quantised& metrics);
    Status adopt_shards(const ContainerReader& reader, uint64_t budget);
    void scan(Shard& shard, const ScanQuery& query, bool full);
    void refine(const Shard& shard, const ScanQuery& query, float threshold);
    float threshold_for(const Shard& shard, const FlatQuery& query, size_t k);
    bool list_candidates(size_t rows, float threshold, size_t limit);
    void find_candidates(Shard& shard, const FlatQuery& query, size_t k);
    void rescore(const Shard& shard, const FlatQuery& query, size_t k);

    const Kernels& kernels_;
    const RowLayout layout_;
    // Before the shards, which may lie in it.
    std::shared_ptr<uint8_t> ground_;
    NumberMap<Location> locations_;
    NumberMap<uint32_t> partitions_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::vector<uint32_t> free_shards_;
    size_t bytes_ = 0;
    size_t last_rescored_ = 0;
    // Room for one row's codes, and a search's working set.
    std::vector<int8_t> codes_;
    FlatQuery query_;
    std::vector<float> upper_bounds_;
    std::vector<float> greatest_bounds_;
    std::vector<RowBound> candidates_;
    BestHits best_;
};

}  // namespace llm_cache
