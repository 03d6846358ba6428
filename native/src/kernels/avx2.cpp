// Kernels for AVX2 with FMA; only dispatch.cpp takes them. vfmadd231ps into 4 accumulators of 8
// float32; int8 products by vpmaddwd after widening; in the scan vpmaddubsw, whose int16 pair sums
// hold 255 x 64 x 2 = 32640 and so never saturate with query codes of at most 64. Tested to
// dot_roundings(n) x 2^-24 x the sum of magnitudes; integers exactly.
#include "kernels.hpp"

#if defined(LLM_CACHE_X86)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#define LLM_CACHE_AVX2 LLM_CACHE_TARGET("avx2,fma,bmi")

namespace llm_cache {
namespace {

LLM_CACHE_AVX2 inline float sum_of_lanes(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

LLM_CACHE_AVX2 inline int32_t sum_of_lanes(__m256i v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

LLM_CACHE_AVX2 inline __m256i tail_mask(size_t n) {
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), index);
}

LLM_CACHE_AVX2 float dot(const float* a, const float* b, size_t n) {
    __m256 s0 = _mm256_setzero_ps();
    __m256 s1 = s0;
    __m256 s2 = s0;
    __m256 s3 = s0;
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        s0 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s0);
        s1 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), s1);
        s2 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 16), _mm256_loadu_ps(b + i + 16), s2);
        s3 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 24), _mm256_loadu_ps(b + i + 24), s3);
    }
    for (; i + 8 <= n; i += 8) {
        s0 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s0);
    }
    if (i < n) {
        const __m256i mask = tail_mask(n - i);
        s1 = _mm256_fmadd_ps(_mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask), s1);
    }
    return sum_of_lanes(_mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3)));
}

LLM_CACHE_AVX2 inline __m256 add_square(__m256 sum, __m256 a, __m256 b) {
    const __m256 difference = _mm256_sub_ps(a, b);
    return _mm256_fmadd_ps(difference, difference, sum);
}

LLM_CACHE_AVX2 float squared_l2(const float* a, const float* b, size_t n) {
    __m256 s0 = _mm256_setzero_ps();
    __m256 s1 = s0;
    __m256 s2 = s0;
    __m256 s3 = s0;
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        s0 = add_square(s0, _mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i));
        s1 = add_square(s1, _mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8));
        s2 = add_square(s2, _mm256_loadu_ps(a + i + 16), _mm256_loadu_ps(b + i + 16));
        s3 = add_square(s3, _mm256_loadu_ps(a + i + 24), _mm256_loadu_ps(b + i + 24));
    }
    for (; i + 8 <= n; i += 8) {
        s0 = add_square(s0, _mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i));
    }
    if (i < n) {
        const __m256i mask = tail_mask(n - i);
        s1 = add_square(s1, _mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask));
    }
    return sum_of_lanes(_mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3)));
}

LLM_CACHE_AVX2 int32_t dot_int8(const int8_t* a, const int8_t* b, size_t n) {
    __m256i sum = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i));
        const __m128i y = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i));
        sum = _mm256_add_epi32(sum,
                               _mm256_madd_epi16(_mm256_cvtepi8_epi16(x), _mm256_cvtepi8_epi16(y)));
    }
    int32_t total = sum_of_lanes(sum);
    for (; i < n; ++i) total += int32_t{a[i]} * b[i];
    return total;
}

struct BlockSums {
    __m256i rows_0_to_7;
    __m256i rows_8_to_15;
};

LLM_CACHE_AVX2 inline __m256i four_codes(const int8_t* query) {
    int32_t four;
    std::memcpy(&four, query, sizeof four);
    return _mm256_set1_epi32(four);
}

LLM_CACHE_AVX2 inline __m256i add_pair(__m256i sum, const uint8_t* codes, __m256i q0, __m256i q1) {
    const __m256i low_half = _mm256_set1_epi8(0x0f);
    const __m256i v = _mm256_load_si256(reinterpret_cast<const __m256i*>(codes));
    const __m256i first = _mm256_and_si256(v, low_half);
    const __m256i second = _mm256_and_si256(_mm256_srli_epi16(v, 4), low_half);
    sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(first, q0));
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(second, q1));
}

// The products of the 4-bit halves of a block's rows with the query's codes.
LLM_CACHE_AVX2 inline BlockSums half_sums(const ScanQuery& query, const uint8_t* codes,
                                          size_t stride) {
    constexpr size_t kGroupsBeforeWidening = 8;
    const __m256i ones = _mm256_set1_epi16(1);
    BlockSums sums = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t start = 0; start < query.groups; start += kGroupsBeforeWidening) {
        const size_t end = std::min(start + kGroupsBeforeWidening, query.groups);
        __m256i narrow0 = _mm256_setzero_si256();
        __m256i narrow1 = narrow0;
        for (size_t group = start; group < end; group += 2, codes += 64) {
            _mm_prefetch(reinterpret_cast<const char*>(codes + stride), _MM_HINT_T0);
            const __m256i q0 = four_codes(query.codes + group * 4);
            const __m256i q1 = four_codes(query.codes + group * 4 + 4);
            narrow0 = add_pair(narrow0, codes, q0, q1);
            narrow1 = add_pair(narrow1, codes + 32, q0, q1);
        }
        sums.rows_0_to_7 = _mm256_add_epi32(sums.rows_0_to_7, _mm256_madd_epi16(narrow0, ones));
        sums.rows_8_to_15 = _mm256_add_epi32(sums.rows_8_to_15, _mm256_madd_epi16(narrow1, ones));
    }
    return sums;
}

// Approximate products of eight rows whose metrics begin at `metrics`.
LLM_CACHE_AVX2 inline __m256 products(const ScanQuery& query, __m256i sum, int32_t correction,
                                      const float* metrics) {
    const __m256i unbiased = _mm256_sub_epi32(sum, _mm256_set1_epi32(correction));
    const __m256 scale =
        _mm256_mul_ps(_mm256_load_ps(metrics + kScale * kBlockRows), _mm256_set1_ps(query.scale));
    return _mm256_mul_ps(_mm256_cvtepi32_ps(unbiased), scale);
}

LLM_CACHE_AVX2 inline __m256 bounds(const ScanQuery& query, Metric error, float error_factor,
                                    const float* metrics) {
    const __m256 norm_part =
        _mm256_fmadd_ps(_mm256_load_ps(metrics + kNorm * kBlockRows),
                        _mm256_set1_ps(query.norm_factor), _mm256_set1_ps(query.floor));
    return _mm256_fmadd_ps(_mm256_load_ps(metrics + error * kBlockRows),
                           _mm256_set1_ps(error_factor), norm_part);
}

LLM_CACHE_AVX2 inline float greatest_lane(__m256 eight) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

// Half a block: eight rows whose metrics begin at `metrics`.
LLM_CACHE_AVX2 inline __m256 upper_bounds(const ScanQuery& query, const Pass& pass, __m256i sums,
                                          const float* metrics) {
    return _mm256_add_ps(products(query, sums, pass.correction, metrics),
                         bounds(query, pass.error, pass.error_factor, metrics));
}

template <bool kFull>
LLM_CACHE_AVX2 inline void scan(const ScanQuery& query, const Pass& pass, const Blocks& blocks,
                                const UpperBounds& out) {
    const size_t half = half_bytes(query.groups);
    const size_t stride = coarse_bytes(query.groups);
    for (size_t block = 0; block < blocks.count; ++block) {
        const uint8_t* coarse = blocks.coarse + block * stride;
        // Nothing is called in behind the last block: a block alone is one of few.
        const bool last = block + 1 == blocks.count;
        const BlockSums high = half_sums(query, coarse, last ? 0 : stride);
        __m256i first = _mm256_slli_epi32(high.rows_0_to_7, 4);
        __m256i second = _mm256_slli_epi32(high.rows_8_to_15, 4);
        if (kFull) {
            const BlockSums low = half_sums(query, blocks.fine + block * half, last ? 0 : half);
            first = _mm256_add_epi32(first, low.rows_0_to_7);
            second = _mm256_add_epi32(second, low.rows_8_to_15);
        }
        const float* metrics = reinterpret_cast<const float*>(coarse + half);
        float* rows = out.rows + block * kBlockRows;
        const __m256 upper_first = upper_bounds(query, pass, first, metrics);
        const __m256 upper_second = upper_bounds(query, pass, second, metrics + 8);
        _mm256_storeu_ps(rows, upper_first);
        _mm256_storeu_ps(rows + 8, upper_second);
        out.blocks[block] = greatest_lane(_mm256_max_ps(upper_first, upper_second));
    }
}

LLM_CACHE_AVX2 void scan_coarse(const ScanQuery& query, const Blocks& blocks,
                                const UpperBounds& out) {
    scan<false>(query, coarse_pass(query), blocks, out);
}

LLM_CACHE_AVX2 void scan_full(const ScanQuery& query, const Blocks& blocks,
                              const UpperBounds& out) {
    scan<true>(query, full_pass(query), blocks, out);
}

// The products of the 4-bit halves of eight rows with the codes of each query of a tile. Rows are
// 32 bytes of every 64.
LLM_CACHE_AVX2 inline void tile_sums(const ScanQuery* queries, const uint8_t* codes,
                                     __m256i* sums) {
    constexpr size_t kGroupsBeforeWidening = 8;
    const __m256i low_half = _mm256_set1_epi8(0x0f);
    const __m256i ones = _mm256_set1_epi16(1);
    const size_t groups = queries->groups;
    for (size_t q = 0; q < kTileQueries; ++q) sums[q] = _mm256_setzero_si256();
    for (size_t start = 0; start < groups; start += kGroupsBeforeWidening) {
        const size_t end = std::min(start + kGroupsBeforeWidening, groups);
        __m256i narrow[kTileQueries];
        for (size_t q = 0; q < kTileQueries; ++q) narrow[q] = _mm256_setzero_si256();
        for (size_t group = start; group < end; group += 2, codes += 64) {
            const __m256i v = _mm256_load_si256(reinterpret_cast<const __m256i*>(codes));
            const __m256i first = _mm256_and_si256(v, low_half);
            const __m256i second = _mm256_and_si256(_mm256_srli_epi16(v, 4), low_half);
            for (size_t q = 0; q < kTileQueries; ++q) {
                const int8_t* at = queries[q].codes + group * 4;
                narrow[q] =
                    _mm256_add_epi16(narrow[q], _mm256_maddubs_epi16(first, four_codes(at)));
                narrow[q] =
                    _mm256_add_epi16(narrow[q], _mm256_maddubs_epi16(second, four_codes(at + 4)));
            }
        }
        for (size_t q = 0; q < kTileQueries; ++q) {
            sums[q] = _mm256_add_epi32(sums[q], _mm256_madd_epi16(narrow[q], ones));
        }
    }
}

template <bool kFull>
LLM_CACHE_AVX2 inline void scan_tile(const ScanQuery* queries, const Blocks& blocks,
                                     float* const* greatest) {
    const size_t half = half_bytes(queries->groups);
    for (size_t block = 0; block < blocks.count; ++block) {
        const uint8_t* coarse = blocks.coarse + block * coarse_bytes(queries->groups);
        const float* metrics = reinterpret_cast<const float*>(coarse + half);
        __m256 upper[2][kTileQueries];
        for (size_t side = 0; side < 2; ++side) {
            __m256i high[kTileQueries];
            __m256i low[kTileQueries];
            tile_sums(queries, coarse + side * 32, high);
            if (kFull) tile_sums(queries, blocks.fine + block * half + side * 32, low);
            for (size_t q = 0; q < kTileQueries; ++q) {
                __m256i sum = _mm256_slli_epi32(high[q], 4);
                if (kFull) sum = _mm256_add_epi32(sum, low[q]);
                const Pass pass = kFull ? full_pass(queries[q]) : coarse_pass(queries[q]);
                upper[side][q] = upper_bounds(queries[q], pass, sum, metrics + side * 8);
            }
        }
        for (size_t q = 0; q < kTileQueries; ++q) {
            greatest[q][block] = greatest_lane(_mm256_max_ps(upper[0][q], upper[1][q]));
        }
    }
}

LLM_CACHE_AVX2 void scan_coarse_tile(const ScanQuery* queries, const Blocks& blocks,
                                     float* const* greatest) {
    scan_tile<false>(queries, blocks, greatest);
}

LLM_CACHE_AVX2 void scan_full_tile(const ScanQuery* queries, const Blocks& blocks,
                                   float* const* greatest) {
    scan_tile<true>(queries, blocks, greatest);
}

bool supported(const CpuFeatures& features) { return features.avx2_fma; }

constexpr Kernels kKernels = {"avx2",          supported,        dot,
                              squared_l2,      dot_int8,         scan_coarse,
                              scan_full,       scan_coarse_tile, scan_full_tile,
                              avx2_pq_kernels, avx2_row_kernels};

}  // namespace

const Kernels* avx2_kernels() { return &kKernels; }

}  // namespace llm_cache

#else

namespace llm_cache {

const Kernels* avx2_kernels() { return nullptr; }

}  // namespace llm_cache

#endif
