// Kernels for AVX-512 F, BW, VL and VNNI; only dispatch.cpp takes them. vfmadd231ps into 4
// accumulators of 16 float32 (latency 4, two a cycle); vpdpbusd, four uint8 x int8 products a
// 32-bit lane without saturation. Tails by masked loads. Tested to dot_roundings(n) x 2^-24 x the
// sum of magnitudes; integers exactly.
#include "kernels.hpp"

#if defined(LLM_CACHE_X86)

#include <immintrin.h>

#include <cstring>

#if defined(__GNUC__) && !defined(__clang__)
// GCC's own header builds the reductions on a register it leaves undefined on purpose, and then
// warns of it.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define LLM_CACHE_AVX512 LLM_CACHE_TARGET("avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")

namespace llm_cache {
namespace {

LLM_CACHE_AVX512 inline __mmask16 tail_mask(size_t n) {
    return static_cast<__mmask16>((1u << n) - 1u);
}

LLM_CACHE_AVX512 float dot(const float* a, const float* b, size_t n) {
    __m512 s0 = _mm512_setzero_ps();
    __m512 s1 = s0;
    __m512 s2 = s0;
    __m512 s3 = s0;
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        s0 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s0);
        s1 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16), s1);
        s2 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 32), _mm512_loadu_ps(b + i + 32), s2);
        s3 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 48), _mm512_loadu_ps(b + i + 48), s3);
    }
    for (; i + 16 <= n; i += 16) {
        s0 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s0);
    }
    if (i < n) {
        const __mmask16 mask = tail_mask(n - i);
        s1 = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i),
                             s1);
    }
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
}

LLM_CACHE_AVX512 inline __m512 add_square(__m512 sum, __m512 a, __m512 b) {
    const __m512 difference = _mm512_sub_ps(a, b);
    return _mm512_fmadd_ps(difference, difference, sum);
}

LLM_CACHE_AVX512 float squared_l2(const float* a, const float* b, size_t n) {
    __m512 s0 = _mm512_setzero_ps();
    __m512 s1 = s0;
    __m512 s2 = s0;
    __m512 s3 = s0;
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        s0 = add_square(s0, _mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i));
        s1 = add_square(s1, _mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16));
        s2 = add_square(s2, _mm512_loadu_ps(a + i + 32), _mm512_loadu_ps(b + i + 32));
        s3 = add_square(s3, _mm512_loadu_ps(a + i + 48), _mm512_loadu_ps(b + i + 48));
    }
    for (; i + 16 <= n; i += 16) {
        s0 = add_square(s0, _mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i));
    }
    if (i < n) {
        const __mmask16 mask = tail_mask(n - i);
        s1 = add_square(s1, _mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i));
    }
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
}

// vpdpbusd wants one unsigned side: a + 128, whose surplus 128 x b a second sum takes off again.
// Both wrap modulo 2^32, so only the result has to fit.
LLM_CACHE_AVX512 int32_t dot_int8(const int8_t* a, const int8_t* b, size_t n) {
    const __m512i bias = _mm512_set1_epi8(static_cast<char>(0x80));
    __m512i biased = _mm512_setzero_si512();
    __m512i surplus = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        const __m512i y = _mm512_loadu_si512(b + i);
        biased = _mm512_dpbusd_epi32(biased, _mm512_xor_si512(_mm512_loadu_si512(a + i), bias), y);
        surplus = _mm512_dpbusd_epi32(surplus, bias, y);
    }
    if (i < n) {
        const __mmask64 mask = (__mmask64{1} << (n - i)) - 1;
        const __m512i y = _mm512_maskz_loadu_epi8(mask, b + i);
        const __m512i x = _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, a + i), bias);
        biased = _mm512_dpbusd_epi32(biased, x, y);
        surplus = _mm512_dpbusd_epi32(surplus, bias, y);
    }
    return _mm512_reduce_add_epi32(_mm512_sub_epi32(biased, surplus));
}

LLM_CACHE_AVX512 inline __m512i four_codes(const int8_t* query) {
    int32_t four;
    std::memcpy(&four, query, sizeof four);
    return _mm512_set1_epi32(four);
}

// 16 x the products of the 4-bit halves of `kAtOnce` blocks, `stride` apart, with the query's
// codes. High halves are multiplied where they are, as 16 x their value, which saves a shift; below
// 2^31 for any codes at the greatest dimension. Two blocks at once share the loads of the query and
// have eight chains of vpdpbusd, whose latency is 4: enough to keep two units busy. The blocks
// after them are called into the cache meanwhile.
template <size_t kAtOnce>
LLM_CACHE_AVX512 inline void sixteenfold_sums(const ScanQuery& query, const uint8_t* codes,
                                              size_t stride, __m512i* sums) {
    const __m512i low_half = _mm512_set1_epi8(0x0f);
    __m512i low[kAtOnce][2];
    __m512i high[kAtOnce][2];
    for (size_t i = 0; i < kAtOnce; ++i) {
        for (size_t j = 0; j < 2; ++j) low[i][j] = high[i][j] = _mm512_setzero_si512();
    }
    for (size_t group = 0; group < query.groups; group += 4, codes += 128) {
        for (size_t j = 0; j < 2; ++j) {
            const int8_t* q = query.codes + (group + 2 * j) * 4;
            const __m512i first = four_codes(q);
            const __m512i second = four_codes(q + 4);
            for (size_t i = 0; i < kAtOnce; ++i) {
                const uint8_t* at = codes + i * stride + j * 64;
                // A block alone is one of few, whose next is not needed.
                if (kAtOnce > 1) {
                    _mm_prefetch(reinterpret_cast<const char*>(at + kAtOnce * stride), _MM_HINT_T0);
                }
                const __m512i v = _mm512_load_si512(at);
                low[i][j] = _mm512_dpbusd_epi32(low[i][j], _mm512_and_si512(v, low_half), first);
                high[i][j] =
                    _mm512_dpbusd_epi32(high[i][j], _mm512_andnot_si512(low_half, v), second);
            }
        }
    }
    for (size_t i = 0; i < kAtOnce; ++i) {
        sums[i] = _mm512_add_epi32(_mm512_slli_epi32(_mm512_add_epi32(low[i][0], low[i][1]), 4),
                                   _mm512_add_epi32(high[i][0], high[i][1]));
    }
}

LLM_CACHE_AVX512 inline __m512 products(const ScanQuery& query, __m512i sums, int32_t correction,
                                        const float* metrics) {
    const __m512i unbiased = _mm512_sub_epi32(sums, _mm512_set1_epi32(correction));
    const __m512 scale =
        _mm512_mul_ps(_mm512_load_ps(metrics + kScale * kBlockRows), _mm512_set1_ps(query.scale));
    return _mm512_mul_ps(_mm512_cvtepi32_ps(unbiased), scale);
}

LLM_CACHE_AVX512 inline __m512 bounds(const ScanQuery& query, Metric error, float error_factor,
                                      const float* metrics) {
    const __m512 norm_part =
        _mm512_fmadd_ps(_mm512_load_ps(metrics + kNorm * kBlockRows),
                        _mm512_set1_ps(query.norm_factor), _mm512_set1_ps(query.floor));
    return _mm512_fmadd_ps(_mm512_load_ps(metrics + error * kBlockRows),
                           _mm512_set1_ps(error_factor), norm_part);
}

// What a pass makes of a block's sums.
LLM_CACHE_AVX512 inline __m512 upper_bounds(const ScanQuery& query, const Pass& pass, __m512i sums,
                                            const float* metrics) {
    return _mm512_add_ps(products(query, sums, pass.correction, metrics),
                         bounds(query, pass.error, pass.error_factor, metrics));
}

LLM_CACHE_AVX512 inline void put_bounds(const ScanQuery& query, const Pass& pass, __m512i sums,
                                        const float* metrics, const UpperBounds& out,
                                        size_t block) {
    const __m512 upper = upper_bounds(query, pass, sums, metrics);
    _mm512_storeu_ps(out.rows + block * kBlockRows, upper);
    out.blocks[block] = _mm512_reduce_max_ps(upper);
}

template <bool kFull, size_t kAtOnce>
LLM_CACHE_AVX512 inline void scan_at(const ScanQuery& query, const Pass& pass, const Blocks& blocks,
                                     const UpperBounds& out, size_t block) {
    const size_t half = half_bytes(query.groups);
    const size_t stride = coarse_bytes(query.groups);
    const uint8_t* coarse = blocks.coarse + block * stride;
    __m512i sums[kAtOnce];
    sixteenfold_sums<kAtOnce>(query, coarse, stride, sums);
    if (kFull) {
        __m512i fine[kAtOnce];
        sixteenfold_sums<kAtOnce>(query, blocks.fine + block * half, half, fine);
        for (size_t i = 0; i < kAtOnce; ++i) {
            sums[i] = _mm512_add_epi32(sums[i], _mm512_srai_epi32(fine[i], 4));
        }
    }
    for (size_t i = 0; i < kAtOnce; ++i) {
        const float* metrics = reinterpret_cast<const float*>(coarse + i * stride + half);
        put_bounds(query, pass, sums[i], metrics, out, block + i);
    }
}

template <bool kFull>
LLM_CACHE_AVX512 inline void scan(const ScanQuery& query, const Pass& pass, const Blocks& blocks,
                                  const UpperBounds& out) {
    size_t block = 0;
    for (; block + 2 <= blocks.count; block += 2) {
        scan_at<kFull, 2>(query, pass, blocks, out, block);
    }
    if (block < blocks.count) scan_at<kFull, 1>(query, pass, blocks, out, block);
}

LLM_CACHE_AVX512 void scan_coarse(const ScanQuery& query, const Blocks& blocks,
                                  const UpperBounds& out) {
    scan<false>(query, coarse_pass(query), blocks, out);
}

LLM_CACHE_AVX512 void scan_full(const ScanQuery& query, const Blocks& blocks,
                                const UpperBounds& out) {
    scan<true>(query, full_pass(query), blocks, out);
}

// As sixteenfold_sums, for each query of a tile: 16 chains of vpdpbusd for two blocks at once.
template <size_t kAtOnce>
LLM_CACHE_AVX512 inline void tile_sums(const ScanQuery* queries, const uint8_t* codes,
                                       size_t stride, __m512i (*sums)[kTileQueries]) {
    const __m512i low_half = _mm512_set1_epi8(0x0f);
    __m512i low[kAtOnce][kTileQueries];
    __m512i high[kAtOnce][kTileQueries];
    for (size_t i = 0; i < kAtOnce; ++i) {
        for (size_t q = 0; q < kTileQueries; ++q) low[i][q] = high[i][q] = _mm512_setzero_si512();
    }
    for (size_t group = 0; group < queries->groups; group += 2, codes += 64) {
        __m512i first[kAtOnce];
        __m512i second[kAtOnce];
        for (size_t i = 0; i < kAtOnce; ++i) {
            const uint8_t* at = codes + i * stride;
            _mm_prefetch(reinterpret_cast<const char*>(at + kAtOnce * stride), _MM_HINT_T0);
            const __m512i v = _mm512_load_si512(at);
            first[i] = _mm512_and_si512(v, low_half);
            second[i] = _mm512_andnot_si512(low_half, v);
        }
        for (size_t q = 0; q < kTileQueries; ++q) {
            const __m512i q0 = four_codes(queries[q].codes + group * 4);
            const __m512i q1 = four_codes(queries[q].codes + group * 4 + 4);
            for (size_t i = 0; i < kAtOnce; ++i) {
                low[i][q] = _mm512_dpbusd_epi32(low[i][q], first[i], q0);
                high[i][q] = _mm512_dpbusd_epi32(high[i][q], second[i], q1);
            }
        }
    }
    for (size_t i = 0; i < kAtOnce; ++i) {
        for (size_t q = 0; q < kTileQueries; ++q) {
            sums[i][q] = _mm512_add_epi32(_mm512_slli_epi32(low[i][q], 4), high[i][q]);
        }
    }
}

template <bool kFull, size_t kAtOnce>
LLM_CACHE_AVX512 inline void scan_tile_at(const ScanQuery* queries, const Blocks& blocks,
                                          float* const* greatest, size_t block) {
    const size_t half = half_bytes(queries->groups);
    const size_t stride = coarse_bytes(queries->groups);
    const uint8_t* coarse = blocks.coarse + block * stride;
    __m512i sums[kAtOnce][kTileQueries];
    tile_sums<kAtOnce>(queries, coarse, stride, sums);
    if (kFull) {
        __m512i fine[kAtOnce][kTileQueries];
        tile_sums<kAtOnce>(queries, blocks.fine + block * half, half, fine);
        for (size_t i = 0; i < kAtOnce; ++i) {
            for (size_t q = 0; q < kTileQueries; ++q) {
                sums[i][q] = _mm512_add_epi32(sums[i][q], _mm512_srai_epi32(fine[i][q], 4));
            }
        }
    }
    for (size_t i = 0; i < kAtOnce; ++i) {
        const float* metrics = reinterpret_cast<const float*>(coarse + i * stride + half);
        for (size_t q = 0; q < kTileQueries; ++q) {
            const Pass pass = kFull ? full_pass(queries[q]) : coarse_pass(queries[q]);
            greatest[q][block + i] =
                _mm512_reduce_max_ps(upper_bounds(queries[q], pass, sums[i][q], metrics));
        }
    }
}

template <bool kFull>
LLM_CACHE_AVX512 inline void scan_tile(const ScanQuery* queries, const Blocks& blocks,
                                       float* const* greatest) {
    size_t block = 0;
    for (; block + 2 <= blocks.count; block += 2) {
        scan_tile_at<kFull, 2>(queries, blocks, greatest, block);
    }
    if (block < blocks.count) scan_tile_at<kFull, 1>(queries, blocks, greatest, block);
}

LLM_CACHE_AVX512 void scan_coarse_tile(const ScanQuery* queries, const Blocks& blocks,
                                       float* const* greatest) {
    scan_tile<false>(queries, blocks, greatest);
}

LLM_CACHE_AVX512 void scan_full_tile(const ScanQuery* queries, const Blocks& blocks,
                                     float* const* greatest) {
    scan_tile<true>(queries, blocks, greatest);
}

bool supported(const CpuFeatures& features) { return features.avx512_vnni; }

constexpr Kernels kKernels = {"avx512",          supported,         dot,
                              squared_l2,        dot_int8,          scan_coarse,
                              scan_full,         scan_coarse_tile,  scan_full_tile,
                              avx512_pq_kernels, avx512_row_kernels};

}  // namespace

const Kernels* avx512_kernels() { return &kKernels; }

}  // namespace llm_cache

#else

namespace llm_cache {

const Kernels* avx512_kernels() { return nullptr; }

}  // namespace llm_cache

#endif
