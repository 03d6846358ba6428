// Two passes over the vector, written lane by lane so that compilers vectorise them for the ABI
// floor.
#include "quantise.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace llm_cache {
namespace {

constexpr size_t kLanes = 16;
constexpr uint32_t kInfinityBits = 0x7f800000;
constexpr float kSmallestScaled = 0x1p-110f;
constexpr float kLimit = 127;
constexpr double kUp = 1 + 0x1p-20;

uint32_t magnitude_bits(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits & 0x7fffffffu;
}

// Finite floats compare like the integers of their bits; infinities and NaNs come after all of
// them.
uint32_t greatest_magnitude(const float* x, size_t length) {
    int32_t lanes[kLanes] = {};
    size_t i = 0;
    for (; i + kLanes <= length; i += kLanes) {
        for (size_t j = 0; j < kLanes; ++j) {
            const int32_t bits = static_cast<int32_t>(magnitude_bits(x[i + j]));
            lanes[j] = bits > lanes[j] ? bits : lanes[j];
        }
    }
    int32_t greatest = 0;
    for (; i < length; ++i) {
        const int32_t bits = static_cast<int32_t>(magnitude_bits(x[i]));
        greatest = bits > greatest ? bits : greatest;
    }
    for (const int32_t lane : lanes) greatest = lane > greatest ? lane : greatest;
    return static_cast<uint32_t>(greatest);
}

struct Sums {
    float residual[kLanes] = {};
    float coarse[kLanes] = {};
    int32_t code[kLanes] = {};
};

// Adding 1.5 x 2^23 leaves the nearest integer in the low bits of the sum.
inline void quantise_one(float x, float inverse, int8_t& out, float& residual_sum,
                         float& coarse_sum, int32_t& code_sum) {
    constexpr float kRounder = 12582912.0f;
    constexpr int32_t kRounderBits = 0x4b400000;
    const float u = x * inverse;
    const float shifted = u + kRounder;
    int32_t bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    const int32_t code = bits - kRounderBits;
    const float residual = u - (shifted - kRounder);
    // Codes are at least -127, so the low bits of code + 128 are those of the code in two's
    // complement.
    const float coarse = residual + static_cast<float>((code & 15) - 8);
    out = static_cast<int8_t>(code);
    residual_sum += residual * residual;
    coarse_sum += coarse * coarse;
    code_sum += code * code;
}

void quantise_small(const float* x, size_t length, int8_t* codes, Quantised& result) {
    std::memset(codes, 0, length);
    double sum = 0;
    for (size_t i = 0; i < length; ++i) sum += static_cast<double>(x[i]) * x[i];
    const float norm = static_cast<float>(std::sqrt(sum) * kUp);
    const float error = sum == 0 ? 0 : std::nextafter(norm, 1.0f);
    result = {0, 0, error, error};
}

}  // namespace

Status quantise(const float* x, size_t length, int8_t* codes, Quantised& result) {
    const uint32_t bits = greatest_magnitude(x, length);
    if (bits >= kInfinityBits) return Status::kNotFinite;
    float greatest;
    std::memcpy(&greatest, &bits, sizeof greatest);
    if (greatest < kSmallestScaled) {
        quantise_small(x, length, codes, result);
        return Status::kOk;
    }
    const float inverse = kLimit / greatest;
    const float scale = greatest / kLimit;
    Sums sums;
    size_t i = 0;
    for (; i + kLanes <= length; i += kLanes) {
        for (size_t j = 0; j < kLanes; ++j) {
            quantise_one(x[i + j], inverse, codes[i + j], sums.residual[j], sums.coarse[j],
                         sums.code[j]);
        }
    }
    for (size_t j = 0; i < length; ++i, ++j) {
        quantise_one(x[i], inverse, codes[i], sums.residual[j], sums.coarse[j], sums.code[j]);
    }
    double residual_squares = 0;
    double coarse_squares = 0;
    double code_squares = 0;
    for (size_t j = 0; j < kLanes; ++j) {
        residual_squares += sums.residual[j];
        coarse_squares += sums.coarse[j];
        code_squares += sums.code[j];
    }
    const double code_norm = std::sqrt(code_squares);
    const double residual_norm = std::sqrt(residual_squares);
    const double coarse_norm = std::sqrt(coarse_squares);
    // What the rounding of u and of the scale may have hidden.
    const double hidden = 0x1p-21 * (code_norm + residual_norm);
    const double error = scale * (residual_norm * (1 + 0x1p-10) + hidden) * kUp;
    const double coarse_error = scale * (coarse_norm * (1 + 0x1p-10) + hidden) * kUp;
    const double norm = scale * code_norm * kUp;
    if (norm + error > kGreatestNorm) return Status::kTooLong;
    result = {scale, static_cast<float>(norm), static_cast<float>(error),
              static_cast<float>(std::max(error, coarse_error))};
    return Status::kOk;
}

Quantised metrics_of_codes(const int8_t* codes, size_t length, const Quantised& given) {
    int64_t coarse_squares = 0;
    for (size_t i = 0; i < length; ++i) {
        const int32_t left = (codes[i] & 15) - 8;
        coarse_squares += left * left;
    }
    // A code other than 0 has a scale of at least 2^-117, so that no product is denormal.
    const double error = given.norm * 0x1p-24 * kUp;
    const double coarse = given.scale * std::sqrt(static_cast<double>(coarse_squares)) * kUp;
    return {given.scale, given.norm, static_cast<float>(error), static_cast<float>(coarse + error)};
}

Status check_vectors(const float* x, size_t count, size_t length) {
    // Under that the norm cannot be too great, for 65,536 components and more.
    constexpr float kSurelyShort = 0x1p52f;
    for (; count > 0; --count, x += length) {
        const uint32_t bits = greatest_magnitude(x, length);
        if (bits >= kInfinityBits) return Status::kNotFinite;
        float greatest;
        std::memcpy(&greatest, &bits, sizeof greatest);
        if (greatest <= kSurelyShort) continue;
        double squares = 0;
        for (size_t i = 0; i < length; ++i) squares += static_cast<double>(x[i]) * x[i];
        if (squares > kGreatestNorm * kGreatestNorm) return Status::kTooLong;
    }
    return Status::kOk;
}

Status check_differing(const float* x, size_t count, size_t length) {
    const Status status = check_vectors(x, count, length);
    if (status != Status::kOk) return status;
    for (size_t i = 1; i < count; ++i) {
        // Numbers are compared, not bytes: 0 equals -0.
        const float* other = x + i * length;
        if (!std::equal(other, other + length, x)) return Status::kOk;
    }
    return Status::kAllEqual;
}

}  // namespace llm_cache
