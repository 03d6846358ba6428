// Kernels in plain C++ for any machine; only dispatch.cpp takes them. No intrinsics; the compiler
// may use what the ABI guarantees (SSE2). Accumulators: 8 float32 a sum, so that it is no chain of
// n additions; int32 for codes. Tested to dot_roundings(n) x 2^-24 x the sum of magnitudes;
// integers exactly.
#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels.hpp"

namespace llm_cache {
namespace {

constexpr size_t kLanes = 8;

float sum_of_lanes(const float* lanes) {
    return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
           ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

float dot(const float* a, const float* b, size_t n) {
    float lanes[kLanes] = {};
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        for (size_t j = 0; j < kLanes; ++j) lanes[j] += a[i + j] * b[i + j];
    }
    for (size_t j = 0; i < n; ++i, ++j) lanes[j] += a[i] * b[i];
    return sum_of_lanes(lanes);
}

float squared_l2(const float* a, const float* b, size_t n) {
    float lanes[kLanes] = {};
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        for (size_t j = 0; j < kLanes; ++j) {
            const float difference = a[i + j] - b[i + j];
            lanes[j] += difference * difference;
        }
    }
    for (size_t j = 0; i < n; ++i, ++j) {
        const float difference = a[i] - b[i];
        lanes[j] += difference * difference;
    }
    return sum_of_lanes(lanes);
}

int32_t dot_int8(const int8_t* a, const int8_t* b, size_t n) {
    int32_t sum = 0;
    for (size_t i = 0; i < n; ++i) sum += int32_t{a[i]} * b[i];
    return sum;
}

// The products of the 4-bit halves of a block's rows with the query's codes.
void half_sums(const ScanQuery& query, const uint8_t* codes, int32_t* sums) {
    std::memset(sums, 0, kBlockRows * sizeof *sums);
    for (size_t group = 0; group < query.groups; group += 2, codes += 4 * kBlockRows) {
        const int8_t* q = query.codes + group * 4;
        for (size_t row = 0; row < kBlockRows; ++row) {
            const uint8_t* c = codes + row * 4;
            sums[row] += (c[0] & 15) * q[0] + (c[1] & 15) * q[1] + (c[2] & 15) * q[2] +
                         (c[3] & 15) * q[3] + (c[0] >> 4) * q[4] + (c[1] >> 4) * q[5] +
                         (c[2] >> 4) * q[6] + (c[3] >> 4) * q[7];
        }
    }
}

void scan(const ScanQuery& query, const Pass& pass, bool full, const Blocks& blocks,
          const UpperBounds& out) {
    const size_t half = half_bytes(query.groups);
    for (size_t block = 0; block < blocks.count; ++block) {
        const uint8_t* coarse = blocks.coarse + block * coarse_bytes(query.groups);
        const float* metrics = reinterpret_cast<const float*>(coarse + half);
        int32_t high[kBlockRows];
        int32_t low[kBlockRows] = {};
        half_sums(query, coarse, high);
        if (full) half_sums(query, blocks.fine + block * half, low);
        float greatest = -std::numeric_limits<float>::infinity();
        for (size_t row = 0; row < kBlockRows; ++row) {
            const float product = static_cast<float>(high[row] * 16 + low[row] - pass.correction) *
                                  metrics[kScale * kBlockRows + row] * query.scale;
            const float bound =
                metrics[kNorm * kBlockRows + row] * query.norm_factor +
                (metrics[pass.error * kBlockRows + row] * pass.error_factor + query.floor);
            out.rows[block * kBlockRows + row] = product + bound;
            greatest = std::max(greatest, product + bound);
        }
        out.blocks[block] = greatest;
    }
}

void scan_coarse(const ScanQuery& query, const Blocks& blocks, const UpperBounds& out) {
    scan(query, coarse_pass(query), false, blocks, out);
}

void scan_full(const ScanQuery& query, const Blocks& blocks, const UpperBounds& out) {
    scan(query, full_pass(query), true, blocks, out);
}

bool supported(const CpuFeatures&) { return true; }

constexpr Kernels kKernels = {"scalar",
                              supported,
                              dot,
                              squared_l2,
                              dot_int8,
                              scan_coarse,
                              scan_full,
                              scan_tile_by_one<scan_coarse>,
                              scan_tile_by_one<scan_full>,
                              scalar_pq_kernels,
                              scalar_row_kernels};

}  // namespace

const Kernels* scalar_kernels() { return &kKernels; }

}  // namespace llm_cache
