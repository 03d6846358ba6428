// Kernels for 64-bit ARM; only dispatch.cpp takes them. fmla into 4 accumulators of 4 float32;
// codes by sdot where the processor has the dot-product extension, else by smull and sadalp, whose
// int16 products of at most 2^14 cannot overflow. Tested to dot_roundings(n) x 2^-24 x the sum of
// magnitudes; integers exactly.
#include "kernels.hpp"

#if defined(LLM_CACHE_ARM64)

#include <arm_neon.h>

#include <cstring>
#include <limits>

#if defined(__clang__)
#define LLM_CACHE_DOTPROD LLM_CACHE_TARGET("dotprod")
#elif defined(__GNUC__)
#define LLM_CACHE_DOTPROD LLM_CACHE_TARGET("arch=armv8.2-a+dotprod")
#else
#define LLM_CACHE_DOTPROD
#endif

namespace llm_cache {
namespace {

float dot(const float* a, const float* b, size_t n) {
    float32x4_t s0 = vdupq_n_f32(0);
    float32x4_t s1 = s0;
    float32x4_t s2 = s0;
    float32x4_t s3 = s0;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        s0 = vfmaq_f32(s0, vld1q_f32(a + i), vld1q_f32(b + i));
        s1 = vfmaq_f32(s1, vld1q_f32(a + i + 4), vld1q_f32(b + i + 4));
        s2 = vfmaq_f32(s2, vld1q_f32(a + i + 8), vld1q_f32(b + i + 8));
        s3 = vfmaq_f32(s3, vld1q_f32(a + i + 12), vld1q_f32(b + i + 12));
    }
    for (; i + 4 <= n; i += 4) s0 = vfmaq_f32(s0, vld1q_f32(a + i), vld1q_f32(b + i));
    float sum = vaddvq_f32(vaddq_f32(vaddq_f32(s0, s1), vaddq_f32(s2, s3)));
    for (; i < n; ++i) sum += a[i] * b[i];
    return sum;
}

inline float32x4_t add_square(float32x4_t sum, const float* a, const float* b) {
    const float32x4_t difference = vsubq_f32(vld1q_f32(a), vld1q_f32(b));
    return vfmaq_f32(sum, difference, difference);
}

float squared_l2(const float* a, const float* b, size_t n) {
    float32x4_t s0 = vdupq_n_f32(0);
    float32x4_t s1 = s0;
    float32x4_t s2 = s0;
    float32x4_t s3 = s0;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        s0 = add_square(s0, a + i, b + i);
        s1 = add_square(s1, a + i + 4, b + i + 4);
        s2 = add_square(s2, a + i + 8, b + i + 8);
        s3 = add_square(s3, a + i + 12, b + i + 12);
    }
    for (; i + 4 <= n; i += 4) s0 = add_square(s0, a + i, b + i);
    float sum = vaddvq_f32(vaddq_f32(vaddq_f32(s0, s1), vaddq_f32(s2, s3)));
    for (; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

int32_t dot_int8(const int8_t* a, const int8_t* b, size_t n) {
    int32x4_t sum = vdupq_n_s32(0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const int8x16_t x = vld1q_s8(a + i);
        const int8x16_t y = vld1q_s8(b + i);
        sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
        sum = vpadalq_s16(sum, vmull_high_s8(x, y));
    }
    int32_t total = vaddvq_s32(sum);
    for (; i < n; ++i) total += int32_t{a[i]} * b[i];
    return total;
}

// The products of the 4-bit halves of a block's rows with the query's codes. Halves are 0 to 15, so
// they are int8 as well.
using HalfSums = void (*)(const ScanQuery& query, const uint8_t* codes, int32_t* sums);

inline int8x16_t four_codes(const int8_t* query) {
    int32_t four;
    std::memcpy(&four, query, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

inline int8x16_t first_half(uint8x16_t codes) {
    return vreinterpretq_s8_u8(vandq_u8(codes, vdupq_n_u8(15)));
}

inline int8x16_t second_half(uint8x16_t codes) { return vreinterpretq_s8_u8(vshrq_n_u8(codes, 4)); }

LLM_CACHE_DOTPROD void half_sums_dotprod(const ScanQuery& query, const uint8_t* codes,
                                         int32_t* sums) {
    int32x4_t quarters[4];
    for (int32x4_t& quarter : quarters) quarter = vdupq_n_s32(0);
    for (size_t group = 0; group < query.groups; group += 2, codes += 64) {
        const int8x16_t q0 = four_codes(query.codes + group * 4);
        const int8x16_t q1 = four_codes(query.codes + group * 4 + 4);
        for (size_t i = 0; i < 4; ++i) {
            const uint8x16_t rows = vld1q_u8(codes + i * 16);
            quarters[i] = vdotq_s32(quarters[i], first_half(rows), q0);
            quarters[i] = vdotq_s32(quarters[i], second_half(rows), q1);
        }
    }
    for (size_t i = 0; i < 4; ++i) vst1q_s32(sums + i * 4, quarters[i]);
}

// Adds the products of 16 components to two registers of two lanes a row.
inline void add_widened(int32x4_t* pair, int8x16_t rows, int8x16_t q) {
    pair[0] = vpadalq_s16(pair[0], vmull_s8(vget_low_s8(rows), vget_low_s8(q)));
    pair[1] = vpadalq_s16(pair[1], vmull_high_s8(rows, q));
}

void half_sums_widening(const ScanQuery& query, const uint8_t* codes, int32_t* sums) {
    int32x4_t eighths[8];
    for (int32x4_t& eighth : eighths) eighth = vdupq_n_s32(0);
    for (size_t group = 0; group < query.groups; group += 2, codes += 64) {
        const int8x16_t q0 = four_codes(query.codes + group * 4);
        const int8x16_t q1 = four_codes(query.codes + group * 4 + 4);
        for (size_t i = 0; i < 4; ++i) {
            const uint8x16_t rows = vld1q_u8(codes + i * 16);
            add_widened(eighths + i * 2, first_half(rows), q0);
            add_widened(eighths + i * 2, second_half(rows), q1);
        }
    }
    for (size_t i = 0; i < 4; ++i) {
        vst1q_s32(sums + i * 4, vpaddq_s32(eighths[i * 2], eighths[i * 2 + 1]));
    }
}

inline float32x4_t four_bounds(const ScanQuery& query, const Pass& pass, int32x4_t sum,
                               const float* metrics) {
    const float32x4_t unbiased = vcvtq_f32_s32(vsubq_s32(sum, vdupq_n_s32(pass.correction)));
    const float32x4_t scale = vmulq_n_f32(vld1q_f32(metrics + kScale * kBlockRows), query.scale);
    const float32x4_t norm_part = vfmaq_n_f32(
        vdupq_n_f32(query.floor), vld1q_f32(metrics + kNorm * kBlockRows), query.norm_factor);
    const float32x4_t bound =
        vfmaq_n_f32(norm_part, vld1q_f32(metrics + pass.error * kBlockRows), pass.error_factor);
    return vaddq_f32(vmulq_f32(unbiased, scale), bound);
}

// Writes a block's bounds and returns the greatest.
inline float put_bounds(const ScanQuery& query, const Pass& pass, const int32_t* high,
                        const int32_t* low, const float* metrics, float* out) {
    float32x4_t greatest = vdupq_n_f32(-std::numeric_limits<float>::infinity());
    for (size_t row = 0; row < kBlockRows; row += 4) {
        const int32x4_t sum =
            vaddq_s32(vshlq_n_s32(vld1q_s32(high + row), 4), vld1q_s32(low + row));
        const float32x4_t upper = four_bounds(query, pass, sum, metrics + row);
        vst1q_f32(out + row, upper);
        greatest = vmaxnmq_f32(greatest, upper);
    }
    return vmaxnmvq_f32(greatest);
}

template <HalfSums kHalfSums, bool kFull>
void scan(const ScanQuery& query, const Pass& pass, const Blocks& blocks, const UpperBounds& out) {
    const size_t half = half_bytes(query.groups);
    for (size_t block = 0; block < blocks.count; ++block) {
        const uint8_t* coarse = blocks.coarse + block * coarse_bytes(query.groups);
        const float* metrics = reinterpret_cast<const float*>(coarse + half);
        int32_t high[kBlockRows];
        int32_t low[kBlockRows] = {};
        kHalfSums(query, coarse, high);
        if (kFull) kHalfSums(query, blocks.fine + block * half, low);
        float* rows = out.rows + block * kBlockRows;
        out.blocks[block] = put_bounds(query, pass, high, low, metrics, rows);
    }
}

template <HalfSums kHalfSums>
void scan_coarse(const ScanQuery& query, const Blocks& blocks, const UpperBounds& out) {
    scan<kHalfSums, false>(query, coarse_pass(query), blocks, out);
}

template <HalfSums kHalfSums>
void scan_full(const ScanQuery& query, const Blocks& blocks, const UpperBounds& out) {
    scan<kHalfSums, true>(query, full_pass(query), blocks, out);
}

// half_sums_dotprod for each query of a tile: 16 accumulators and the 8 halves of a block's 64
// bytes fill the registers. Without sdot each accumulator would be two, and would not fit.
LLM_CACHE_DOTPROD void tile_sums(const ScanQuery* queries, const uint8_t* codes,
                                 int32_t (*sums)[kBlockRows]) {
    int32x4_t quarters[kTileQueries][4];
    for (auto& query : quarters) {
        for (int32x4_t& quarter : query) quarter = vdupq_n_s32(0);
    }
    for (size_t group = 0; group < queries->groups; group += 2, codes += 64) {
        int8x16_t first[4];
        int8x16_t second[4];
        for (size_t i = 0; i < 4; ++i) {
            const uint8x16_t rows = vld1q_u8(codes + i * 16);
            first[i] = first_half(rows);
            second[i] = second_half(rows);
        }
        for (size_t q = 0; q < kTileQueries; ++q) {
            const int8x16_t q0 = four_codes(queries[q].codes + group * 4);
            const int8x16_t q1 = four_codes(queries[q].codes + group * 4 + 4);
            for (size_t i = 0; i < 4; ++i) {
                quarters[q][i] = vdotq_s32(quarters[q][i], first[i], q0);
                quarters[q][i] = vdotq_s32(quarters[q][i], second[i], q1);
            }
        }
    }
    for (size_t q = 0; q < kTileQueries; ++q) {
        for (size_t i = 0; i < 4; ++i) vst1q_s32(sums[q] + i * 4, quarters[q][i]);
    }
}

template <bool kFull>
void scan_tile(const ScanQuery* queries, const Blocks& blocks, float* const* greatest) {
    const size_t half = half_bytes(queries->groups);
    for (size_t block = 0; block < blocks.count; ++block) {
        const uint8_t* coarse = blocks.coarse + block * coarse_bytes(queries->groups);
        const float* metrics = reinterpret_cast<const float*>(coarse + half);
        int32_t high[kTileQueries][kBlockRows];
        int32_t low[kTileQueries][kBlockRows] = {};
        tile_sums(queries, coarse, high);
        if (kFull) tile_sums(queries, blocks.fine + block * half, low);
        for (size_t q = 0; q < kTileQueries; ++q) {
            const Pass pass = kFull ? full_pass(queries[q]) : coarse_pass(queries[q]);
            float rows[kBlockRows];
            greatest[q][block] = put_bounds(queries[q], pass, high[q], low[q], metrics, rows);
        }
    }
}

bool supported(const CpuFeatures& features) { return features.neon; }

constexpr Kernels kWithDotprod = {"neon",
                                  supported,
                                  dot,
                                  squared_l2,
                                  dot_int8,
                                  scan_coarse<half_sums_dotprod>,
                                  scan_full<half_sums_dotprod>,
                                  scan_tile<false>,
                                  scan_tile<true>,
                                  neon_pq_kernels,
                                  neon_row_kernels};
constexpr Kernels kWithoutDotprod = {"neon",
                                     supported,
                                     dot,
                                     squared_l2,
                                     dot_int8,
                                     scan_coarse<half_sums_widening>,
                                     scan_full<half_sums_widening>,
                                     scan_tile_by_one<scan_coarse<half_sums_widening>>,
                                     scan_tile_by_one<scan_full<half_sums_widening>>,
                                     neon_pq_kernels,
                                     neon_row_kernels};

}  // namespace

const Kernels* neon_kernels() {
    static const bool dotprod = detect_cpu_features().neon_dotprod;
    return dotprod ? &kWithDotprod : &kWithoutDotprod;
}

}  // namespace llm_cache

#else

namespace llm_cache {

const Kernels* neon_kernels() { return nullptr; }

}  // namespace llm_cache

#endif
