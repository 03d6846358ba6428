// The norms that the index's error bounds rest on are never too small, whatever the vector.
#include "quantise.hpp"

#include <cmath>
#include <limits>

#include "harness.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

void check_norms(const std::vector<float>& x) {
    std::vector<int8_t> codes(x.size());
    Quantised result;
    const Status status = quantise(x.data(), x.size(), codes.data(), result);
    LLM_CACHE_CHECK(status == Status::kOk);
    if (status != Status::kOk) return;
    long double norm = 0;
    long double error = 0;
    long double coarse_error = 0;
    for (size_t i = 0; i < x.size(); ++i) {
        LLM_CACHE_CHECK(std::abs(codes[i]) <= 127);
        const long double coded = static_cast<long double>(result.scale) * codes[i];
        norm += coded * coded;
        error += (x[i] - coded) * (x[i] - coded);
        const int coarse_code = (codes[i] + 128) / 16 * 16 + 8 - 128;
        // Without a scale the codes mean nothing, and the residual is the vector.
        const long double coarse = static_cast<long double>(result.scale) * coarse_code;
        coarse_error += (x[i] - coarse) * (x[i] - coarse);
    }
    LLM_CACHE_CHECK(std::sqrt(norm) <= result.norm);
    LLM_CACHE_CHECK(std::sqrt(error) <= result.error);
    LLM_CACHE_CHECK(std::sqrt(coarse_error) <= result.coarse_error);
    LLM_CACHE_CHECK(result.error <= result.coarse_error);
    // Tight as well: a slack bound would rescore everything.
    LLM_CACHE_CHECK(result.norm <= std::sqrt(norm) * 1.00001L);
    const long double rest = std::sqrt(norm) + std::sqrt(error);
    LLM_CACHE_CHECK(result.error <= std::sqrt(error) * 1.002L + rest * 1e-6L + 0x1p-140L);
}

}  // namespace

LLM_CACHE_TEST("the norms are upper bounds, and close ones, over 57 orders of magnitude") {
    Random random(seed());
    for (int exponent = -44; exponent <= 13; ++exponent) {
        for (const size_t length : {1u, 2u, 15u, 16u, 17u, 384u, 1001u}) {
            std::vector<float> x(length);
            for (float& one : x) {
                one = static_cast<float>(gaussian(random) * std::pow(10.0, exponent));
            }
            check_norms(x);
            // One component that dwarfs the others.
            x[below(random, length)] *= 1000;
            check_norms(x);
        }
    }
}

LLM_CACHE_TEST("the norms hold for the longest vectors and for zeros") {
    Random random(seed() + 1);
    std::vector<float> x(65536);
    check_norms(x);
    for (float& one : x) one = gaussian(random);
    check_norms(x);
    check_norms(std::vector<float>(65536, 1.0f));
}

LLM_CACHE_TEST("infinities, NaN and norms over 2^63 are refused at every position") {
    for (size_t length = 1; length <= 40; ++length) {
        for (size_t at = 0; at < length; ++at) {
            std::vector<int8_t> codes(length);
            Quantised result;
            for (const float bad :
                 {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                  -std::numeric_limits<float>::infinity()}) {
                std::vector<float> x(length, 1.0f);
                x[at] = bad;
                LLM_CACHE_CHECK(quantise(x.data(), length, codes.data(), result) ==
                                Status::kNotFinite);
            }
            std::vector<float> x(length, 1.0f);
            x[at] = 1e19f;
            LLM_CACHE_CHECK(quantise(x.data(), length, codes.data(), result) == Status::kTooLong);
        }
    }
}
