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

#define LLM_CACHE_AVX512 LLM_CACHE_TARGET("avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma,popcnt")

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

// 16 x the products of the 4-bit halves of a block's rows with the query's codes. High halves are
// multiplied where they are, as 16 x their value, which saves a shift; below 2^31 for any codes at
// the greatest dimension. The next block is called into the cache meanwhile: `stride` ahead was the
// best of 0, 1, 2 KiB and that (18.1 against 19.4 microseconds for 2 MB).
LLM_CACHE_AVX512 inline __m512i sixteenfold_sums(const ScanQuery& query, const uint8_t* codes,
                                                 size_t stride) {
    const __m512i low_half = _mm512_set1_epi8(0x0f);
    __m512i low0 = _mm512_setzero_si512();
    __m512i low1 = low0;
    __m512i high0 = low0;
    __m512i high1 = low0;
    for (size_t group = 0; group < query.groups; group += 4, codes += 128) {
        _mm_prefetch(reinterpret_cast<const char*>(codes + stride), _MM_HINT_T0);
        _mm_prefetch(reinterpret_cast<const char*>(codes + stride + 64), _MM_HINT_T0);
        const int8_t* q = query.codes + group * 4;
        const __m512i v0 = _mm512_load_si512(codes);
        const __m512i v1 = _mm512_load_si512(codes + 64);
        low0 = _mm512_dpbusd_epi32(low0, _mm512_and_si512(v0, low_half), four_codes(q));
        high0 = _mm512_dpbusd_epi32(high0, _mm512_andnot_si512(low_half, v0), four_codes(q + 4));
        low1 = _mm512_dpbusd_epi32(low1, _mm512_and_si512(v1, low_half), four_codes(q + 8));
        high1 = _mm512_dpbusd_epi32(high1, _mm512_andnot_si512(low_half, v1), four_codes(q + 12));
    }
    return _mm512_add_epi32(_mm512_slli_epi32(_mm512_add_epi32(low0, low1), 4),
                            _mm512_add_epi32(high0, high1));
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

LLM_CACHE_AVX512 inline __m512i rows_of(__mmask16 mask, size_t first) {
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i rows = _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int>(first)));
    return _mm512_maskz_compress_epi32(mask, rows);
}

LLM_CACHE_AVX512 size_t scan_coarse(const ScanQuery& query, const uint8_t* coarse,
                                    size_t block_count, float threshold, const CoarseOutput& output,
                                    Findings& findings) {
    const size_t half = half_bytes(query.groups);
    const size_t stride = coarse_bytes(query.groups);
    const __m512 least = _mm512_set1_ps(threshold);
    size_t found = 0;
    for (size_t block = 0; block < block_count; ++block, coarse += stride) {
        const float* metrics = reinterpret_cast<const float*>(coarse + half);
        const __m512i high = sixteenfold_sums(query, coarse, stride);
        const __m512 product = products(query, high, query.coarse_correction, metrics);
        const __m512 bound = bounds(query, kCoarseError, query.coarse_factor, metrics);
        const __m512 upper = _mm512_add_ps(product, bound);
        _mm512_storeu_si512(output.sums + block * kBlockRows, high);
        _mm512_storeu_ps(output.upper + block * kBlockRows, upper);
        output.greatest[block] = _mm512_reduce_max_ps(upper);
        const __m512 lower = _mm512_sub_ps(product, bound);
        const __mmask16 mask = _mm512_cmp_ps_mask(lower, least, _CMP_GT_OQ);
        if (mask == 0) continue;
        _mm512_storeu_ps(findings.lower + found, _mm512_maskz_compress_ps(mask, lower));
        _mm512_storeu_si512(findings.row + found, rows_of(mask, block * kBlockRows));
        found += static_cast<size_t>(_mm_popcnt_u32(mask));
    }
    return found;
}

LLM_CACHE_AVX512 size_t scan_fine(const ScanQuery& query, const uint8_t* coarse,
                                  const uint8_t* fine, const int32_t* sums, float threshold,
                                  Findings& findings) {
    const float* metrics = reinterpret_cast<const float*>(coarse + half_bytes(query.groups));
    const __m512i low =
        _mm512_srai_epi32(sixteenfold_sums(query, fine, half_bytes(query.groups)), 4);
    const __m512i both = _mm512_add_epi32(_mm512_loadu_si512(sums), low);
    const __m512 product = products(query, both, query.correction, metrics);
    const __m512 bound = bounds(query, kError, query.error_factor, metrics);
    const __m512 upper = _mm512_add_ps(product, bound);
    const __mmask16 mask = _mm512_cmp_ps_mask(upper, _mm512_set1_ps(threshold), _CMP_GE_OQ);
    if (mask == 0) return 0;
    const __m512 lower = _mm512_sub_ps(product, bound);
    _mm512_storeu_ps(findings.upper, _mm512_maskz_compress_ps(mask, upper));
    _mm512_storeu_ps(findings.lower, _mm512_maskz_compress_ps(mask, lower));
    _mm512_storeu_si512(findings.row, rows_of(mask, 0));
    return static_cast<size_t>(_mm_popcnt_u32(mask));
}

bool supported(const CpuFeatures& features) { return features.avx512_vnni; }

constexpr Kernels kKernels = {"avx512", supported,   dot,      squared_l2,
                              dot_int8, scan_coarse, scan_fine};

}  // namespace

const Kernels* avx512_kernels() { return &kKernels; }

}  // namespace llm_cache

#else

namespace llm_cache {

const Kernels* avx512_kernels() { return nullptr; }

}  // namespace llm_cache

#endif
