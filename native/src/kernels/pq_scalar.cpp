// Kernels of product quantisation in plain C++ for any machine; only scalar.cpp takes them, and
// pq_avx2.cpp and pq_neon.cpp the scan of byte codes. No intrinsics. Accumulators: one float32 a
// centroid or row, 16-bit integers for 4-bit codes. Tested to (length + 2) x 2^-24 of the
// magnitudes; integers exactly.
#include <cstring>
#include <limits>

#include "pq_kernels.hpp"

namespace llm_cache {
namespace {

// Subtracts the products of x with a block's centroids from `lanes`.
void subtract_products(const float* x, const float* block, size_t length, float* lanes) {
    for (size_t i = 0; i < length; ++i) {
        for (size_t lane = 0; lane < kBlockCentroids; ++lane) {
            lanes[lane] -= x[i] * block[i * kBlockCentroids + lane];
        }
    }
}

void nearest(const float* points, size_t stride, size_t count, const Centroids& centroids,
             uint32_t* indices, float* scores) {
    const size_t block_floats = centroids.length * kBlockCentroids;
    for (size_t point = 0; point < count; ++point) {
        float least = std::numeric_limits<float>::infinity();
        uint32_t index = 0;
        for (size_t block = 0; block < centroids.blocks; ++block) {
            float lanes[kBlockCentroids];
            std::memcpy(lanes, centroids.half_norms + block * kBlockCentroids, sizeof lanes);
            subtract_products(points + point * stride, centroids.packed + block * block_floats,
                              centroids.length, lanes);
            for (size_t lane = 0; lane < kBlockCentroids; ++lane) {
                if (lanes[lane] < least) {
                    least = lanes[lane];
                    index = static_cast<uint32_t>(block * kBlockCentroids + lane);
                }
            }
        }
        indices[point] = index;
        scores[point] = least;
    }
}

void products(const float* x, const Centroids& centroids, float* out) {
    const size_t block_floats = centroids.length * kBlockCentroids;
    for (size_t block = 0; block < centroids.blocks; ++block, out += kBlockCentroids) {
        float lanes[kBlockCentroids] = {};
        subtract_products(x, centroids.packed + block * block_floats, centroids.length, lanes);
        for (size_t lane = 0; lane < kBlockCentroids; ++lane) out[lane] = -lanes[lane];
    }
}

void scan_bytes(const float* table, const uint8_t* blocks, size_t count, size_t m, float* out) {
    for (size_t block = 0; block < count; ++block, out += kCodeRows) {
        std::memset(out, 0, kCodeRows * sizeof *out);
        for (size_t i = 0; i < m; ++i, blocks += kCodeRows) {
            const float* entries = table + i * kByteEntries;
            for (size_t row = 0; row < kCodeRows; ++row) out[row] += entries[blocks[row]];
        }
    }
}

void scan_nibbles(const uint8_t* table, const uint8_t* blocks, size_t count, size_t pairs,
                  uint16_t* out) {
    for (size_t block = 0; block < count; ++block, out += kCodeRows) {
        std::memset(out, 0, kCodeRows * sizeof *out);
        for (size_t pair = 0; pair < pairs; ++pair, blocks += kCodeRows) {
            const uint8_t* even = table + pair * 2 * kNibbleEntries;
            const uint8_t* odd = even + kNibbleEntries;
            for (size_t row = 0; row < kCodeRows; ++row) {
                const int both = even[blocks[row] & 15] + odd[blocks[row] >> 4];
                out[row] = static_cast<uint16_t>(out[row] + both);
            }
        }
    }
}

template <typename Sum>
void reach(const Sum* sums, size_t count, Sum least, uint32_t* masks) {
    for (size_t block = 0; block < count; ++block, sums += kCodeRows) {
        uint32_t mask = 0;
        for (size_t row = 0; row < kCodeRows; ++row) {
            mask |= static_cast<uint32_t>(sums[row] >= least) << row;
        }
        masks[block] = mask;
    }
}

constexpr PqKernels kKernels = {nearest,      products,        scan_bytes,
                                scan_nibbles, reach<uint16_t>, reach<float>};

}  // namespace

const PqKernels* scalar_pq_kernels() { return &kKernels; }

}  // namespace llm_cache
