// Row kernels for AVX2, FMA, BMI1 and F16C; only avx2.cpp takes them. vcvtph2ps and vfmadd231ps
// into 4 accumulators of 8 float32; positions by vmovmskps and tzcnt. Tested to dot_roundings(n) x
// 2^-24 x the sum of magnitudes; halves and positions exactly.
#include "../cpu_features.hpp"
#include "row_kernels.hpp"

#if defined(LLM_CACHE_X86)

#include <immintrin.h>

#include <cstring>

#define LLM_CACHE_AVX2 LLM_CACHE_TARGET("avx2,fma,bmi,f16c")

namespace llm_cache {
namespace {

constexpr size_t kLanes = 8;

LLM_CACHE_AVX2 inline __m256 load_half(const uint16_t* x) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
}

LLM_CACHE_AVX2 inline void store_half(__m256 x, uint16_t* out) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                     _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}

LLM_CACHE_AVX2 void to_half(const float* x, size_t n, uint16_t* out) {
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store_half(_mm256_loadu_ps(x + i), out + i);
    if (i == n) return;
    float last[kLanes] = {};
    uint16_t halves[kLanes];
    std::memcpy(last, x + i, (n - i) * sizeof *x);
    store_half(_mm256_loadu_ps(last), halves);
    std::memcpy(out + i, halves, (n - i) * sizeof *out);
}

LLM_CACHE_AVX2 inline __m256 load_last(const uint16_t* x, size_t n) {
    uint16_t last[kLanes] = {};
    std::memcpy(last, x, n * sizeof *x);
    return load_half(last);
}

LLM_CACHE_AVX2 void from_half(const uint16_t* x, size_t n, float* out) {
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) _mm256_storeu_ps(out + i, load_half(x + i));
    if (i == n) return;
    float last[kLanes];
    _mm256_storeu_ps(last, load_last(x + i, n - i));
    std::memcpy(out + i, last, (n - i) * sizeof *out);
}

LLM_CACHE_AVX2 float dot_half(const uint16_t* a, const float* b, size_t n) {
    __m256 s0 = _mm256_setzero_ps();
    __m256 s1 = s0;
    __m256 s2 = s0;
    __m256 s3 = s0;
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        s0 = _mm256_fmadd_ps(load_half(a + i), _mm256_loadu_ps(b + i), s0);
        s1 = _mm256_fmadd_ps(load_half(a + i + 8), _mm256_loadu_ps(b + i + 8), s1);
        s2 = _mm256_fmadd_ps(load_half(a + i + 16), _mm256_loadu_ps(b + i + 16), s2);
        s3 = _mm256_fmadd_ps(load_half(a + i + 24), _mm256_loadu_ps(b + i + 24), s3);
    }
    for (; i + kLanes <= n; i += kLanes) {
        s0 = _mm256_fmadd_ps(load_half(a + i), _mm256_loadu_ps(b + i), s0);
    }
    if (i < n) {
        float last[kLanes] = {};
        std::memcpy(last, b + i, (n - i) * sizeof *b);
        s1 = _mm256_fmadd_ps(load_last(a + i, n - i), _mm256_loadu_ps(last), s1);
    }
    const __m256 sum = _mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

LLM_CACHE_AVX2 size_t at_least(const float* values, size_t n, float threshold, uint32_t* out) {
    const __m256 least = _mm256_set1_ps(threshold);
    size_t count = 0;
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        const __m256 reached = _mm256_cmp_ps(_mm256_loadu_ps(values + i), least, _CMP_GE_OQ);
        uint32_t mask = static_cast<uint32_t>(_mm256_movemask_ps(reached));
        for (; mask != 0; mask &= mask - 1) {
            out[count++] = static_cast<uint32_t>(i) + _tzcnt_u32(mask);
        }
    }
    for (; i < n; ++i) {
        if (values[i] >= threshold) out[count++] = static_cast<uint32_t>(i);
    }
    return count;
}

constexpr RowKernels kKernels = {to_half, from_half, dot_half, at_least};

}  // namespace

const RowKernels* avx2_row_kernels() { return &kKernels; }

}  // namespace llm_cache

#else

namespace llm_cache {

const RowKernels* avx2_row_kernels() { return nullptr; }

}  // namespace llm_cache

#endif
