// Row kernels for 64-bit ARM; only neon.cpp takes them. fcvtl and fcvtn, which every such processor
// has, and fmla into 4 accumulators of 4 float32; positions after fcmge and umaxv. Tested to
// dot_roundings(n) x 2^-24 x the sum of magnitudes; halves and positions exactly.
#include "../cpu_features.hpp"
#include "row_kernels.hpp"

#if defined(LLM_CACHE_ARM64)

#include <arm_neon.h>

#include <cstring>

namespace llm_cache {
namespace {

constexpr size_t kLanes = 4;

inline float32x4_t load_half(const uint16_t* x) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(x)));
}

inline void store_half(float32x4_t x, uint16_t* out) {
    vst1_u16(out, vreinterpret_u16_f16(vcvt_f16_f32(x)));
}

inline float32x4_t load_last(const uint16_t* x, size_t n) {
    uint16_t last[kLanes] = {};
    std::memcpy(last, x, n * sizeof *x);
    return load_half(last);
}

void to_half(const float* x, size_t n, uint16_t* out) {
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store_half(vld1q_f32(x + i), out + i);
    if (i == n) return;
    float last[kLanes] = {};
    uint16_t halves[kLanes];
    std::memcpy(last, x + i, (n - i) * sizeof *x);
    store_half(vld1q_f32(last), halves);
    std::memcpy(out + i, halves, (n - i) * sizeof *out);
}

void from_half(const uint16_t* x, size_t n, float* out) {
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) vst1q_f32(out + i, load_half(x + i));
    if (i == n) return;
    float last[kLanes];
    vst1q_f32(last, load_last(x + i, n - i));
    std::memcpy(out + i, last, (n - i) * sizeof *out);
}

float dot_half(const uint16_t* a, const float* b, size_t n) {
    float32x4_t s0 = vdupq_n_f32(0);
    float32x4_t s1 = s0;
    float32x4_t s2 = s0;
    float32x4_t s3 = s0;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        s0 = vfmaq_f32(s0, load_half(a + i), vld1q_f32(b + i));
        s1 = vfmaq_f32(s1, load_half(a + i + 4), vld1q_f32(b + i + 4));
        s2 = vfmaq_f32(s2, load_half(a + i + 8), vld1q_f32(b + i + 8));
        s3 = vfmaq_f32(s3, load_half(a + i + 12), vld1q_f32(b + i + 12));
    }
    for (; i + kLanes <= n; i += kLanes) {
        s0 = vfmaq_f32(s0, load_half(a + i), vld1q_f32(b + i));
    }
    if (i < n) {
        float last[kLanes] = {};
        std::memcpy(last, b + i, (n - i) * sizeof *b);
        s1 = vfmaq_f32(s1, load_last(a + i, n - i), vld1q_f32(last));
    }
    return vaddvq_f32(vaddq_f32(vaddq_f32(s0, s1), vaddq_f32(s2, s3)));
}

size_t at_least(const float* values, size_t n, float threshold, uint32_t* out) {
    const float32x4_t least = vdupq_n_f32(threshold);
    size_t count = 0;
    for (size_t i = 0; i < n; i += kLanes) {
        const size_t end = n - i < kLanes ? n : i + kLanes;
        if (end == i + kLanes && vmaxvq_u32(vcgeq_f32(vld1q_f32(values + i), least)) == 0) continue;
        for (size_t j = i; j < end; ++j) {
            if (values[j] >= threshold) out[count++] = static_cast<uint32_t>(j);
        }
    }
    return count;
}

constexpr RowKernels kKernels = {to_half, from_half, dot_half, at_least};

}  // namespace

const RowKernels* neon_row_kernels() { return &kKernels; }

}  // namespace llm_cache

#else

namespace llm_cache {

const RowKernels* neon_row_kernels() { return nullptr; }

}  // namespace llm_cache

#endif
