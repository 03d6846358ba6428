// Row kernels for AVX-512 F, BW and VL; only avx512.cpp takes them. vcvtph2ps and vfmadd231ps into
// 4 accumulators of 16 float32, tails by masked loads; positions by vcmpps and tzcnt (vpcompressd
// to memory is slow on some processors). Tested to dot_roundings(n) x 2^-24 x the sum of
// magnitudes; halves and positions exactly.
#include "../cpu_features.hpp"
#include "row_kernels.hpp"

#if defined(LLM_CACHE_X86)

#include <immintrin.h>

#if defined(__GNUC__) && !defined(__clang__)
// GCC's own header builds conversions and reductions on a register it leaves undefined on purpose,
// and then warns of it.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define LLM_CACHE_AVX512 LLM_CACHE_TARGET("avx512f,avx512bw,avx512vl,avx2,fma,bmi")

namespace llm_cache {
namespace {

constexpr size_t kLanes = 16;

LLM_CACHE_AVX512 inline __mmask16 tail_mask(size_t n) {
    return static_cast<__mmask16>((1u << n) - 1u);
}

LLM_CACHE_AVX512 inline __m512 load_half(const uint16_t* x) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)));
}

LLM_CACHE_AVX512 inline __m512 load_last(__mmask16 mask, const uint16_t* x) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, x));
}

LLM_CACHE_AVX512 void to_half(const float* x, size_t n, uint16_t* out) {
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        const __m256i halves = _mm512_cvtps_ph(_mm512_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), halves);
    }
    if (i == n) return;
    const __mmask16 mask = tail_mask(n - i);
    const __m512 last = _mm512_maskz_loadu_ps(mask, x + i);
    _mm256_mask_storeu_epi16(out + i, mask, _mm512_cvtps_ph(last, _MM_FROUND_TO_NEAREST_INT));
}

LLM_CACHE_AVX512 void from_half(const uint16_t* x, size_t n, float* out) {
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) _mm512_storeu_ps(out + i, load_half(x + i));
    if (i == n) return;
    const __mmask16 mask = tail_mask(n - i);
    _mm512_mask_storeu_ps(out + i, mask, load_last(mask, x + i));
}

LLM_CACHE_AVX512 float dot_half(const uint16_t* a, const float* b, size_t n) {
    __m512 s0 = _mm512_setzero_ps();
    __m512 s1 = s0;
    __m512 s2 = s0;
    __m512 s3 = s0;
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        s0 = _mm512_fmadd_ps(load_half(a + i), _mm512_loadu_ps(b + i), s0);
        s1 = _mm512_fmadd_ps(load_half(a + i + 16), _mm512_loadu_ps(b + i + 16), s1);
        s2 = _mm512_fmadd_ps(load_half(a + i + 32), _mm512_loadu_ps(b + i + 32), s2);
        s3 = _mm512_fmadd_ps(load_half(a + i + 48), _mm512_loadu_ps(b + i + 48), s3);
    }
    for (; i + kLanes <= n; i += kLanes) {
        s0 = _mm512_fmadd_ps(load_half(a + i), _mm512_loadu_ps(b + i), s0);
    }
    if (i < n) {
        const __mmask16 mask = tail_mask(n - i);
        s1 = _mm512_fmadd_ps(load_last(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i), s1);
    }
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
}

LLM_CACHE_AVX512 size_t at_least(const float* values, size_t n, float threshold, uint32_t* out) {
    const __m512 least = _mm512_set1_ps(threshold);
    size_t count = 0;
    for (size_t i = 0; i < n; i += kLanes) {
        const __mmask16 within = n - i < kLanes ? tail_mask(n - i) : static_cast<__mmask16>(0xffff);
        const __m512 some = _mm512_maskz_loadu_ps(within, values + i);
        uint32_t mask = _mm512_mask_cmp_ps_mask(within, some, least, _CMP_GE_OQ);
        for (; mask != 0; mask &= mask - 1) {
            out[count++] = static_cast<uint32_t>(i) + _tzcnt_u32(mask);
        }
    }
    return count;
}

constexpr RowKernels kKernels = {to_half, from_half, dot_half, at_least};

}  // namespace

const RowKernels* avx512_row_kernels() { return &kKernels; }

}  // namespace llm_cache

#else

namespace llm_cache {

const RowKernels* avx512_row_kernels() { return nullptr; }

}  // namespace llm_cache

#endif
