// The table of distance kernels, one row an instruction set, and its choice at run time; all of
// native/src may use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../cpu_features.hpp"
#include "pq_kernels.hpp"
#include "row_kernels.hpp"

namespace llm_cache {

/// Rows of a block: one 32-bit lane each in a 512-bit register.
constexpr size_t kBlockRows = 16;
/// Queries that a tile scan takes at once.
constexpr size_t kTileQueries = 4;
/// Vectors in blocks are padded with zeros to a multiple of this many components.
constexpr size_t kPadding = 16;
/// Float32 roundings on the way from one component to the sum in `dot` and `squared_l2`: what a
/// sum's error grows with.
constexpr double dot_roundings(size_t length) { return static_cast<double>(length) / 8 + 16; }

/// @brief What a scan needs to know of a query; flat_index.hpp defines the numbers.
struct ScanQuery {
    /// groups x 4 int8 codes.
    const int8_t* codes;
    /// Components / 4, after padding; a multiple of 4.
    size_t groups;
    /// 120 and 128 x the sum of the codes: what the bias of the rows' codes adds to each product.
    int32_t coarse_correction;
    int32_t correction;
    float scale;
    float norm_factor;
    float error_factor;
    float coarse_factor;
    float floor;
};

/// @brief Blocks that lie one behind the other, 64-byte aligned.
struct Blocks {
    const uint8_t* coarse;
    const uint8_t* fine;
    size_t count;
};

/// @brief Where a scan leaves what it works out.
struct UpperBounds {
    /// 16 a block.
    float* rows;
    /// The greatest of each block's.
    float* blocks;
};

// A row's code is kept with a bias, as b = code + 128, and in two halves that lie in two streams:
// the coarse one has the high 4 bits of b, the fine one the low 4 bits. Most rows are ruled out by
// their coarse half alone, for half the memory traffic.
//
// Either half of a block of 16 rows: for each pair of groups (a group is 4 components) 64 bytes, 4
// for each row; a byte has its component of the first group in its low 4 bits and that of the
// second group in its high 4 bits. A coarse block ends with 4 x 16 float32: scales, norms, errors
// and coarse errors of its rows.

/// Metrics of a row in a coarse block.
enum Metric : size_t { kScale, kNorm, kError, kCoarseError, kMetrics };

/// @brief Which codes a scan goes by.
struct Pass {
    Metric error;
    float error_factor;
    int32_t correction;
};

constexpr Pass coarse_pass(const ScanQuery& query) {
    return {kCoarseError, query.coarse_factor, query.coarse_correction};
}

constexpr Pass full_pass(const ScanQuery& query) {
    return {kError, query.error_factor, query.correction};
}

/// @brief Bytes of the 4-bit halves of a block's codes: a whole fine block.
constexpr size_t half_bytes(size_t groups) { return groups * 2 * kBlockRows; }
/// @brief Bytes of a coarse block.
constexpr size_t coarse_bytes(size_t groups) {
    return half_bytes(groups) + kMetrics * sizeof(float) * kBlockRows;
}

/// @brief One instruction set's kernels. None has alignment needs unless it says so.
struct Kernels {
    const char* name;
    bool (*supported)(const CpuFeatures&);
    /// Inner product; error at most dot_roundings(n) x 2^-24 x the sum of |a_i b_i|.
    float (*dot)(const float* a, const float* b, size_t n);
    /// Squared Euclidean distance; error at most (dot_roundings(n) + 2) x 2^-24 x itself.
    float (*squared_l2)(const float* a, const float* b, size_t n);
    /// Inner product, exact; n is at most kInt8Span.
    int32_t (*dot_int8)(const int8_t* a, const int8_t* b, size_t n);
    /// Upper bounds of products by the coarse codes alone: p + b with p = scale x row scale x (sum
    /// - coarse_correction) and b = norm x norm_factor + coarse error x coarse_factor + floor.
    /// `sum` is 16 x the product of the coarse halves.
    void (*scan_coarse)(const ScanQuery& query, const Blocks& blocks, const UpperBounds& out);
    /// The same by the full codes: the product of the fine halves is added to `sum`, and
    /// correction, error and error_factor stand in place of the coarse ones.
    void (*scan_full)(const ScanQuery& query, const Blocks& blocks, const UpperBounds& out);
    /// Both scans for kTileQueries queries at once: a block's codes are loaded and unpacked once
    /// for all of them. Only the greatest upper bound of each block is written, to greatest[query].
    void (*scan_coarse_tile)(const ScanQuery* queries, const Blocks& blocks,
                             float* const* greatest);
    void (*scan_full_tile)(const ScanQuery* queries, const Blocks& blocks, float* const* greatest);
    /// The kernels of clustering and product quantisation.
    const PqKernels* (*pq)();
    /// The kernels of stored rows and of choosing among them.
    const RowKernels* (*rows)();
};

/// @brief A tile scan by scans of one query, for where registers do not hold a tile: block by
/// block, so that the queries after the first find its codes in the processor's first cache.
template <void (*kScan)(const ScanQuery&, const Blocks&, const UpperBounds&)>
void scan_tile_by_one(const ScanQuery* queries, const Blocks& blocks, float* const* greatest) {
    float rows[kBlockRows];
    for (size_t block = 0; block < blocks.count; ++block) {
        const Blocks one = {blocks.coarse + block * coarse_bytes(queries->groups),
                            blocks.fine + block * half_bytes(queries->groups), 1};
        for (size_t query = 0; query < kTileQueries; ++query) {
            kScan(queries[query], one, {rows, greatest[query] + block});
        }
    }
}

/// Components that an int32 can sum for any codes: 2^16 x 2^14 = 2^30.
constexpr size_t kInt8Span = size_t{1} << 16;

/// @brief Inner product of int8 vectors of any length, exact.
inline int64_t dot_int8(const Kernels& kernels, const int8_t* a, const int8_t* b, size_t n) {
    int64_t sum = 0;
    for (size_t start = 0; start < n; start += kInt8Span) {
        const size_t length = n - start < kInt8Span ? n - start : kInt8Span;
        sum += kernels.dot_int8(a + start, b + start, length);
    }
    return sum;
}

/// @brief The kernels of one file, or null where that file has none for this architecture.
const Kernels* avx512_kernels();
const Kernels* avx2_kernels();
const Kernels* neon_kernels();
const Kernels* scalar_kernels();

/// @brief Kernels this machine can run, best first; never empty. Made once, at the first call.
const std::vector<const Kernels*>& available_kernels();

/// @brief The kernels named, or the best ones when `name` is null or empty. Null when the name is
/// unknown or the machine cannot run them; `problem` then says so.
const Kernels* choose_kernels(const char* name, std::string& problem);

/// @brief The process's kernels, chosen once by the environment variable LLM_CACHE_KERNEL or by
/// rank. Null with a reason as in choose_kernels.
const Kernels* active_kernels(std::string& problem);

}  // namespace llm_cache
