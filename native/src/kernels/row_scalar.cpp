// Row kernels in plain C++ for any machine; only scalar.cpp takes them. Halves by integer
// arithmetic on the bits; 8 float32 accumulators, tested to dot_roundings(n) x 2^-24 x the sum of
// magnitudes.
#include <cstring>

#include "row_kernels.hpp"

namespace llm_cache {
namespace {

constexpr size_t kLanes = 8;

uint32_t bits_of(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

float float_of(uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

uint16_t half_of(float x) {
    constexpr uint32_t kInfinity = 0x7f800000;
    // 65,520: halfway between the greatest half and what would come after it.
    constexpr uint32_t kTooGreat = 0x477ff000;
    // 2^-14, the least normal half.
    constexpr uint32_t kLeastNormal = 0x38800000;
    const uint32_t bits = bits_of(x);
    const uint32_t sign = (bits >> 16) & 0x8000;
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > kInfinity) return static_cast<uint16_t>(sign | 0x7e00);
    if (magnitude >= kTooGreat) return static_cast<uint16_t>(sign | 0x7c00);
    if (magnitude < kLeastNormal) {
        // A sum with 1/2 has 2^-24, the step of subnormal halves, as its last bit.
        const uint32_t sum = bits_of(float_of(magnitude) + 0.5f);
        return static_cast<uint16_t>(sign | (sum - bits_of(0.5f)));
    }
    const uint32_t odd = (magnitude >> 13) & 1;
    // 112: difference of the exponents' biases.
    const uint32_t rounded = magnitude - (uint32_t{112} << 23) + 0xfff + odd;
    return static_cast<uint16_t>(sign | (rounded >> 13));
}

float float_from(uint16_t half) {
    const uint32_t sign = uint32_t{half & 0x8000u} << 16;
    const uint32_t magnitude = half & 0x7fffu;
    if (magnitude >= 0x7c00) return float_of(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    if (magnitude < 0x400) {
        return float_of(sign | bits_of(static_cast<float>(magnitude) * 0x1p-24f));
    }
    return float_of(sign | ((magnitude << 13) + (uint32_t{112} << 23)));
}

void to_half(const float* x, size_t n, uint16_t* out) {
    for (size_t i = 0; i < n; ++i) out[i] = half_of(x[i]);
}

void from_half(const uint16_t* x, size_t n, float* out) {
    for (size_t i = 0; i < n; ++i) out[i] = float_from(x[i]);
}

float dot_half(const uint16_t* a, const float* b, size_t n) {
    float lanes[kLanes] = {};
    for (size_t i = 0; i < n; ++i) lanes[i % kLanes] += float_from(a[i]) * b[i];
    return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
           ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

size_t at_least(const float* values, size_t n, float threshold, uint32_t* out) {
    size_t count = 0;
    for (size_t i = 0; i < n; ++i) {
        if (values[i] >= threshold) out[count++] = static_cast<uint32_t>(i);
    }
    return count;
}

constexpr RowKernels kKernels = {to_half, from_half, dot_half, at_least};

}  // namespace

const RowKernels* scalar_row_kernels() { return &kKernels; }

}  // namespace llm_cache
