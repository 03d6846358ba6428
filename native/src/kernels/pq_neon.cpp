// Kernels of product quantisation for 64-bit ARM; only neon.cpp takes them. fmls into 16
// accumulators of 4 float32 (4 points by 16 centroids); tbl look-ups for 4-bit codes, added up as
// 16-bit integers. NEON has no gather, so codes of a byte are scanned by the plain code. Tested to
// (length + 2) x 2^-24 of the magnitudes; sums of table entries exactly.
// Source of the look-ups in registers: Andre, Kermarrec, Le Scouarnec, "Cache locality is not
// enough", VLDB 2015, and "Accelerated nearest neighbor search with Quick ADC", ICMR 2017.
#include "../cpu_features.hpp"
#include "pq_kernels.hpp"

#if defined(LLM_CACHE_ARM64)

#include <arm_neon.h>

#include <limits>

namespace llm_cache {
namespace {

constexpr size_t kPointsAtOnce = 4;
constexpr size_t kRegisters = kBlockCentroids / 4;

template <size_t kPoints>
inline void subtract_products(const float* points, size_t stride, const float* block, size_t length,
                              float32x4_t (&sums)[kPoints][kRegisters]) {
    for (size_t i = 0; i < length; ++i) {
        float32x4_t centroids[kRegisters];
        for (size_t r = 0; r < kRegisters; ++r) {
            centroids[r] = vld1q_f32(block + i * kBlockCentroids + r * 4);
        }
        for (size_t p = 0; p < kPoints; ++p) {
            const float32x4_t x = vdupq_n_f32(points[p * stride + i]);
            for (size_t r = 0; r < kRegisters; ++r) {
                sums[p][r] = vfmsq_f32(sums[p][r], x, centroids[r]);
            }
        }
    }
}

template <size_t kPoints>
inline void nearest_of(const float* points, size_t stride, const Centroids& centroids,
                       uint32_t* indices, float* scores) {
    const size_t block_floats = centroids.length * kBlockCentroids;
    const uint32_t lanes[4] = {0, 1, 2, 3};
    float32x4_t least[kPoints];
    uint32x4_t index[kPoints];
    for (size_t p = 0; p < kPoints; ++p) {
        least[p] = vdupq_n_f32(std::numeric_limits<float>::infinity());
        index[p] = vdupq_n_u32(0);
    }
    for (size_t block = 0; block < centroids.blocks; ++block) {
        float32x4_t sums[kPoints][kRegisters];
        for (size_t p = 0; p < kPoints; ++p) {
            for (size_t r = 0; r < kRegisters; ++r) {
                sums[p][r] = vld1q_f32(centroids.half_norms + block * kBlockCentroids + r * 4);
            }
        }
        subtract_products<kPoints>(points, stride, centroids.packed + block * block_floats,
                                   centroids.length, sums);
        for (size_t r = 0; r < kRegisters; ++r) {
            const uint32x4_t here =
                vaddq_u32(vld1q_u32(lanes),
                          vdupq_n_u32(static_cast<uint32_t>(block * kBlockCentroids + r * 4)));
            for (size_t p = 0; p < kPoints; ++p) {
                const uint32x4_t less = vcltq_f32(sums[p][r], least[p]);
                least[p] = vbslq_f32(less, sums[p][r], least[p]);
                index[p] = vbslq_u32(less, here, index[p]);
            }
        }
    }
    for (size_t p = 0; p < kPoints; ++p) {
        scores[p] = vminvq_f32(least[p]);
        const uint32x4_t equal = vceqq_f32(least[p], vdupq_n_f32(scores[p]));
        indices[p] = vminvq_u32(vornq_u32(index[p], equal));
    }
}

void nearest(const float* points, size_t stride, size_t count, const Centroids& centroids,
             uint32_t* indices, float* scores) {
    size_t i = 0;
    for (; i + kPointsAtOnce <= count; i += kPointsAtOnce) {
        nearest_of<kPointsAtOnce>(points + i * stride, stride, centroids, indices + i, scores + i);
    }
    for (; i < count; ++i) {
        nearest_of<1>(points + i * stride, stride, centroids, indices + i, scores + i);
    }
}

void products(const float* x, const Centroids& centroids, float* out) {
    const size_t block_floats = centroids.length * kBlockCentroids;
    for (size_t block = 0; block < centroids.blocks; ++block, out += kBlockCentroids) {
        float32x4_t sums[1][kRegisters];
        for (float32x4_t& sum : sums[0]) sum = vdupq_n_f32(0);
        subtract_products<1>(x, 0, centroids.packed + block * block_floats, centroids.length, sums);
        for (size_t r = 0; r < kRegisters; ++r) vst1q_f32(out + r * 4, vnegq_f32(sums[0][r]));
    }
}

void scan_bytes(const float* table, const uint8_t* blocks, size_t count, size_t m, float* out) {
    scalar_pq_kernels()->scan_bytes(table, blocks, count, m, out);
}

inline void add(uint16x8_t* sums, uint8x16_t entries) {
    sums[0] = vaddw_u8(sums[0], vget_low_u8(entries));
    sums[1] = vaddw_high_u8(sums[1], entries);
}

void scan_nibbles(const uint8_t* table, const uint8_t* blocks, size_t count, size_t pairs,
                  uint16_t* out) {
    for (size_t block = 0; block < count; ++block, out += kCodeRows) {
        uint16x8_t sums[4];
        for (uint16x8_t& sum : sums) sum = vdupq_n_u16(0);
        for (size_t pair = 0; pair < pairs; ++pair, blocks += kCodeRows) {
            const uint8x16_t even = vld1q_u8(table + pair * 2 * kNibbleEntries);
            const uint8x16_t odd = vld1q_u8(table + (pair * 2 + 1) * kNibbleEntries);
            for (size_t half = 0; half < 2; ++half) {
                const uint8x16_t codes = vld1q_u8(blocks + half * 16);
                add(sums + half * 2, vqtbl1q_u8(even, vandq_u8(codes, vdupq_n_u8(15))));
                add(sums + half * 2, vqtbl1q_u8(odd, vshrq_n_u8(codes, 4)));
            }
        }
        for (size_t i = 0; i < 4; ++i) vst1q_u16(out + i * 8, sums[i]);
    }
}

void reach_words(const uint16_t* sums, size_t count, uint16_t least, uint32_t* masks) {
    static const uint16_t kBits[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    const uint16x8_t bits = vld1q_u16(kBits);
    const uint16x8_t threshold = vdupq_n_u16(least);
    for (size_t block = 0; block < count; ++block, sums += kCodeRows) {
        uint32_t mask = 0;
        for (size_t i = 0; i < kCodeRows; i += 8) {
            const uint16x8_t reached = vcgeq_u16(vld1q_u16(sums + i), threshold);
            mask |= static_cast<uint32_t>(vaddvq_u16(vandq_u16(reached, bits))) << i;
        }
        masks[block] = mask;
    }
}

void reach_floats(const float* sums, size_t count, float least, uint32_t* masks) {
    static const uint32_t kBits[4] = {1, 2, 4, 8};
    const uint32x4_t bits = vld1q_u32(kBits);
    const float32x4_t threshold = vdupq_n_f32(least);
    for (size_t block = 0; block < count; ++block, sums += kCodeRows) {
        uint32_t mask = 0;
        for (size_t i = 0; i < kCodeRows; i += 4) {
            const uint32x4_t reached = vcgeq_f32(vld1q_f32(sums + i), threshold);
            mask |= vaddvq_u32(vandq_u32(reached, bits)) << i;
        }
        masks[block] = mask;
    }
}

constexpr PqKernels kKernels = {nearest,      products,    scan_bytes,
                                scan_nibbles, reach_words, reach_floats};

}  // namespace

const PqKernels* neon_pq_kernels() { return &kKernels; }

}  // namespace llm_cache

#else

namespace llm_cache {

const PqKernels* neon_pq_kernels() { return nullptr; }

}  // namespace llm_cache

#endif
