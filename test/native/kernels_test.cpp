// Every kernel this machine has against sums in double precision: all lengths 0 to 257, unaligned,
// several distributions.
#include "kernels/kernels.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "harness.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

constexpr size_t kGreatestLength = 257;

using Distribution = std::function<float(Random&)>;

const std::vector<Distribution>& distributions() {
    static const std::vector<Distribution> all = {
        [](Random& random) { return gaussian(random); },
        [](Random& random) { return std::uniform_real_distribution<float>(-1, 1)(random); },
        [](Random& random) {
            return gaussian(random) * std::pow(10.0f, static_cast<float>(below(random, 13)) - 6);
        },
        [](Random& random) { return 1000.0f + 1e-3f * gaussian(random); },
        [](Random& random) { return below(random, 2) == 0 ? 1.0f : -1.0f; },
        [](Random& random) { return below(random, 10) == 0 ? gaussian(random) : 0.0f; },
    };
    return all;
}

// `length` numbers at an odd address, with NaN before and after: a kernel that reads too far
// returns NaN.
class Guarded {
  public:
    Guarded(size_t length, size_t offset, const Distribution& draw, Random& random)
        : numbers_(length + offset + 32, std::numeric_limits<float>::quiet_NaN()), offset_(offset) {
        for (size_t i = 0; i < length; ++i) numbers_[offset + i] = draw(random);
    }
    const float* data() const { return numbers_.data() + offset_; }

  private:
    std::vector<float> numbers_;
    size_t offset_;
};

}  // namespace

LLM_CACHE_TEST(
    "float products and distances stay within their bound of the double-precision sums") {
    Random random(seed());
    for (const Kernels* kernels : available_kernels()) {
        for (const Distribution& draw : distributions()) {
            for (size_t n = 0; n <= kGreatestLength; ++n) {
                const Guarded a(n, 1 + n % 7, draw, random);
                const Guarded b(n, 2 + n % 5, draw, random);
                double product = 0;
                double magnitude = 0;
                double distance = 0;
                for (size_t i = 0; i < n; ++i) {
                    const double x = a.data()[i];
                    const double y = b.data()[i];
                    product += x * y;
                    magnitude += std::fabs(x * y);
                    distance += (x - y) * (x - y);
                }
                const double unit = 0x1p-24;
                const double roundings = dot_roundings(n);
                LLM_CACHE_CHECK(std::fabs(kernels->dot(a.data(), b.data(), n) - product) <=
                                roundings * unit * magnitude);
                LLM_CACHE_CHECK(std::fabs(kernels->squared_l2(a.data(), b.data(), n) - distance) <=
                                (roundings + 2) * unit * distance);
            }
        }
    }
}

LLM_CACHE_TEST("float products of long vectors stay within their bound") {
    Random random(seed() + 1);
    for (const Kernels* kernels : available_kernels()) {
        for (const size_t n : {1000u, 4096u, 65536u}) {
            const Guarded a(n, 3, distributions()[1], random);
            const Guarded b(n, 1, distributions()[1], random);
            double product = 0;
            double magnitude = 0;
            for (size_t i = 0; i < n; ++i) {
                const double one = static_cast<double>(a.data()[i]) * b.data()[i];
                product += one;
                magnitude += std::fabs(one);
            }
            LLM_CACHE_CHECK(std::fabs(kernels->dot(a.data(), b.data(), n) - product) <=
                            dot_roundings(n) * 0x1p-24 * magnitude);
        }
    }
}

LLM_CACHE_TEST("int8 products are exact, the extremes included") {
    Random random(seed() + 2);
    for (const Kernels* kernels : available_kernels()) {
        for (size_t n = 0; n <= kGreatestLength; ++n) {
            for (int kind = 0; kind < 4; ++kind) {
                std::vector<int8_t> a(n + 9);
                std::vector<int8_t> b(n + 9);
                for (size_t i = 0; i < a.size(); ++i) {
                    a[i] = kind == 0   ? static_cast<int8_t>(below(random, 256))
                           : kind == 1 ? int8_t{-128}
                           : kind == 2 ? int8_t{127}
                                       : (below(random, 2) == 0 ? int8_t{-128} : int8_t{127});
                    b[i] = kind == 0 || kind == 3 ? static_cast<int8_t>(below(random, 256))
                                                  : int8_t{-128};
                }
                const int8_t* x = a.data() + 1 + n % 7;
                const int8_t* y = b.data() + n % 3;
                int64_t expected = 0;
                for (size_t i = 0; i < n; ++i) expected += int64_t{x[i]} * y[i];
                LLM_CACHE_CHECK(kernels->dot_int8(x, y, n) == expected);
            }
        }
    }
}

LLM_CACHE_TEST("int8 products of 2^17 and more extreme components are exact") {
    for (const Kernels* kernels : available_kernels()) {
        for (const size_t n : {size_t{1} << 17, (size_t{1} << 18) + 77}) {
            const std::vector<int8_t> lowest(n, -128);
            const std::vector<int8_t> highest(n, 127);
            const int64_t count = static_cast<int64_t>(n);
            LLM_CACHE_CHECK(dot_int8(*kernels, lowest.data(), lowest.data(), n) == count * 16384);
            LLM_CACHE_CHECK(dot_int8(*kernels, lowest.data(), highest.data(), n) == count * -16256);
        }
    }
}

LLM_CACHE_TEST(
    "a kernel is chosen by its name, and a name the machine cannot run is refused with a list") {
    std::string problem;
    LLM_CACHE_CHECK(choose_kernels(nullptr, problem) == available_kernels().front());
    LLM_CACHE_CHECK(choose_kernels("", problem) == available_kernels().front());
    for (const Kernels* kernels : available_kernels()) {
        LLM_CACHE_CHECK(choose_kernels(kernels->name, problem) == kernels);
    }
    LLM_CACHE_CHECK(problem.empty());
    LLM_CACHE_CHECK(choose_kernels("sse9", problem) == nullptr);
    LLM_CACHE_CHECK(problem.find("sse9") != std::string::npos);
    LLM_CACHE_CHECK(problem.find("scalar") != std::string::npos);
}
