// Row kernels of this machine: halves bit for bit, their products against sums in double precision,
// chosen positions against a plain loop.
#include "kernels/row_kernels.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "harness.hpp"
#include "kernels/kernels.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

constexpr size_t kGreatestLength = 257;
constexpr uint16_t kUntouched = 0xabcd;

// A half's value by its definition.
double value_of(uint16_t half) {
    const int exponent = (half >> 10) & 31;
    const int fraction = half & 1023;
    const double size =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    return (half & 0x8000) != 0 ? -size : size;
}

float any_float(Random& random) {
    const uint32_t bits = static_cast<uint32_t>(random());
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return std::isnan(x) ? 0 : x;
}

// Numbers near what separates two halves: the middle, and the floats beside it.
float near_middle(Random& random) {
    const uint16_t half = static_cast<uint16_t>(below(random, 0x7bff));
    const float middle = static_cast<float>((value_of(half) + value_of(half + 1)) / 2);
    const float towards = static_cast<float>(below(random, 3)) - 1;
    const float x = towards == 0 ? middle : std::nextafter(middle, towards * 1e6f);
    return below(random, 2) == 0 ? x : -x;
}

}  // namespace

LLM_CACHE_TEST("every finite half has its value, whatever the kernel") {
    std::vector<uint16_t> halves;
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
        if ((bits & 0x7c00) != 0x7c00) halves.push_back(static_cast<uint16_t>(bits));
    }
    for (const Kernels* kernels : available_kernels()) {
        const RowKernels& rows = *kernels->rows();
        std::vector<float> out(halves.size());
        rows.from_half(halves.data(), halves.size(), out.data());
        std::vector<uint16_t> back(halves.size());
        rows.to_half(out.data(), out.size(), back.data());
        for (size_t i = 0; i < halves.size(); ++i) {
            LLM_CACHE_CHECK(out[i] == value_of(halves[i]));
            LLM_CACHE_CHECK(back[i] == halves[i]);
        }
    }
}

LLM_CACHE_TEST("a float becomes the nearest half, and the even one of two") {
    Random random(seed());
    std::vector<float> x = {
        0.0f,       -0.0f,    65504,    65519.99f, 65520,
        -65520,     1e30f,    0x1p-24f, 0x1p-25f,  std::numeric_limits<float>::infinity(),
        0x1.8p-24f, 0x1p-14f, 1e-40f};
    for (size_t i = 0; i < 20000; ++i) {
        x.push_back(any_float(random));
        x.push_back(near_middle(random));
        x.push_back(gaussian(random));
    }
    for (const Kernels* kernels : available_kernels()) {
        std::vector<uint16_t> halves(x.size());
        kernels->rows()->to_half(x.data(), x.size(), halves.data());
        for (size_t i = 0; i < x.size(); ++i) {
            const uint16_t half = halves[i];
            const uint16_t magnitude = half & 0x7fff;
            const double size = std::fabs(static_cast<double>(x[i]));
            LLM_CACHE_CHECK((half >> 15 != 0) == std::signbit(x[i]));
            if (size >= 65520) {
                LLM_CACHE_CHECK(magnitude == 0x7c00);
                continue;
            }
            const double distance = std::fabs(size - value_of(magnitude));
            for (const int step : {-1, 1}) {
                const int other = magnitude + step;
                if (other < 0 || other > 0x7bff) continue;
                const double its = std::fabs(size - value_of(static_cast<uint16_t>(other)));
                LLM_CACHE_CHECK(distance < its || (distance == its && magnitude % 2 == 0));
            }
        }
    }
}

LLM_CACHE_TEST("kernels of halves take any length at any address and write no further") {
    Random random(seed());
    for (const Kernels* kernels : available_kernels()) {
        const RowKernels& rows = *kernels->rows();
        for (size_t n = 0; n <= kGreatestLength; ++n) {
            const size_t offset = 1 + n % 7;
            // A kernel that reads too far finds NaN.
            std::vector<float> x(n + offset + 32, std::numeric_limits<float>::quiet_NaN());
            std::vector<float> y = x;
            for (size_t i = 0; i < n; ++i) {
                x[offset + i] = gaussian(random);
                y[offset + i] = gaussian(random);
            }
            std::vector<uint16_t> halves(n + offset + 32, 0x7e00);
            std::vector<uint16_t> out(n + offset + 32, kUntouched);
            rows.to_half(&x[offset], n, &out[offset]);
            for (size_t i = 0; i < out.size(); ++i) {
                if (i < offset || i >= offset + n) {
                    LLM_CACHE_CHECK(out[i] == kUntouched);
                } else {
                    halves[i] = out[i];
                }
            }
            double product = 0;
            double magnitudes = 0;
            for (size_t i = offset; i < offset + n; ++i) {
                product += value_of(halves[i]) * y[i];
                magnitudes += std::fabs(value_of(halves[i]) * y[i]);
            }
            const double error = std::fabs(rows.dot_half(&halves[offset], &y[offset], n) - product);
            LLM_CACHE_CHECK(error <= dot_roundings(n) * 0x1p-24 * magnitudes);
            std::vector<float> wide(n + offset + 32, -7);
            rows.from_half(&halves[offset], n, &wide[offset]);
            for (size_t i = 0; i < wide.size(); ++i) {
                const bool inside = i >= offset && i < offset + n;
                LLM_CACHE_CHECK(wide[i] == (inside ? value_of(halves[i]) : -7));
            }
        }
    }
}

LLM_CACHE_TEST("the positions at or above a threshold are those of a plain loop") {
    Random random(seed());
    constexpr float kInfinite = std::numeric_limits<float>::infinity();
    for (const Kernels* kernels : available_kernels()) {
        for (size_t n = 0; n <= kGreatestLength; ++n) {
            for (const float threshold : {-kInfinite, -1.0f, 0.0f, 1.0f, 3.0f, kInfinite}) {
                const size_t offset = n % 5;
                std::vector<float> values(n + offset + 32, kInfinite);
                std::vector<uint32_t> expected;
                for (size_t i = 0; i < n; ++i) {
                    float& one = values[offset + i];
                    // Whole numbers meet the threshold exactly.
                    one = static_cast<float>(below(random, 7)) - 3;
                    if (below(random, 20) == 0) one = std::numeric_limits<float>::quiet_NaN();
                    if (below(random, 20) == 0) one = -kInfinite;
                    if (one >= threshold) expected.push_back(static_cast<uint32_t>(i));
                }
                std::vector<uint32_t> found(n + 1, 77);
                const size_t count =
                    kernels->rows()->at_least(&values[offset], n, threshold, found.data());
                LLM_CACHE_CHECK(count == expected.size());
                LLM_CACHE_CHECK(found[n] == 77);
                found.resize(count);
                LLM_CACHE_CHECK(found == expected);
            }
        }
    }
}
