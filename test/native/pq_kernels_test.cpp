// Every kernel of product quantisation that this machine has: nearest centroids and products
// against double precision, scans against the plain one to the bit, for all lengths, unaligned.
#include <algorithm>
#include <cmath>
#include <limits>

#include "centroids.hpp"
#include "harness.hpp"
#include "kernels/kernels.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

std::vector<float> gaussians(size_t count, Random& random) {
    std::vector<float> numbers(count);
    for (float& one : numbers) one = gaussian(random);
    return numbers;
}

// `size` bytes at an odd address with nothing behind them: AddressSanitizer sees a read too far.
class OddBytes {
  public:
    OddBytes(size_t size, Random& random, size_t limit) : bytes_(size + 1) {
        for (uint8_t& byte : bytes_) byte = static_cast<uint8_t>(below(random, limit));
    }
    const uint8_t* data() const { return bytes_.data() + 1; }

  private:
    std::vector<uint8_t> bytes_;
};

struct Sum {
    double value = 0;
    double magnitude = 0;
};

Sum product(const float* x, const float* y, size_t length) {
    Sum sum;
    for (size_t i = 0; i < length; ++i) {
        const double one = static_cast<double>(x[i]) * y[i];
        sum.value += one;
        sum.magnitude += std::fabs(one);
    }
    return sum;
}

void check_nearest(const Kernels& kernels, size_t points, size_t centroids, size_t length,
                   Random& random) {
    const size_t stride = length + below(random, 4);
    const std::vector<float> rows = gaussians(centroids * length, random);
    const std::vector<float> x = gaussians(points * stride + 1, random);
    PackedCentroids packed(centroids, length);
    packed.pack(rows.data());
    std::vector<uint32_t> indices(points);
    std::vector<float> scores(points);
    kernels.pq()->nearest(x.data() + 1, stride, points, packed.view(), indices.data(),
                          scores.data());
    std::vector<float> products(centroid_blocks(centroids) * kBlockCentroids);
    for (size_t p = 0; p < points; ++p) {
        const float* point = x.data() + 1 + p * stride;
        kernels.pq()->products(point, packed.view(), products.data());
        double least = std::numeric_limits<double>::infinity();
        double slack = 0;
        for (size_t c = 0; c < centroids; ++c) {
            const float* centroid = rows.data() + c * length;
            const Sum dot = product(point, centroid, length);
            const double half = product(centroid, centroid, length).value / 2;
            const double unit = 0x1p-24;
            const double bound = (static_cast<double>(length) + 2) * unit * (half + dot.magnitude);
            LLM_CACHE_CHECK(std::fabs(products[c] - dot.value) <=
                            static_cast<double>(length) * unit * dot.magnitude);
            least = std::min(least, half - dot.value);
            slack = std::max(slack, bound);
            if (c == indices[p])
                LLM_CACHE_CHECK(std::fabs(scores[p] - (half - dot.value)) <= bound);
        }
        LLM_CACHE_CHECK(indices[p] < centroids);
        LLM_CACHE_CHECK(scores[p] <= least + slack);
    }
}

}  // namespace

LLM_CACHE_TEST(
    "the nearest centroid is within the bound of the nearest, for all lengths 1 to 130") {
    Random random(seed());
    for (const Kernels* kernels : available_kernels()) {
        for (size_t length = 1; length <= 130; ++length) {
            check_nearest(*kernels, 1 + below(random, 11), 1 + below(random, 150), length, random);
        }
    }
}

LLM_CACHE_TEST("the same for every number of centroids to 140 and of points to 9") {
    Random random(seed() + 1);
    for (const Kernels* kernels : available_kernels()) {
        for (size_t centroids = 1; centroids <= 140; ++centroids) {
            check_nearest(*kernels, centroids % 10, centroids, 1 + centroids % 9, random);
        }
        check_nearest(*kernels, 6, 256, 8, random);
        check_nearest(*kernels, 3, 40, 1000, random);
    }
}

LLM_CACHE_TEST("of equal centroids the first is chosen, and the filling of the last block never") {
    for (const Kernels* kernels : available_kernels()) {
        for (size_t centroids = 1; centroids <= 70; ++centroids) {
            for (size_t first = 0; first < centroids; ++first) {
                // From `first` on all are equal and nearest.
                std::vector<float> rows(centroids * 3, -9.0f);
                std::fill(rows.begin() + static_cast<std::ptrdiff_t>(first * 3), rows.end(), -2.0f);
                PackedCentroids packed(centroids, 3);
                packed.pack(rows.data());
                const std::vector<float> x(5 * 3, -1.0f);
                uint32_t indices[5];
                float scores[5];
                kernels->pq()->nearest(x.data(), 3, 5, packed.view(), indices, scores);
                for (size_t p = 0; p < 5; ++p) {
                    LLM_CACHE_CHECK(indices[p] == first);
                    LLM_CACHE_CHECK(scores[p] == 0);
                }
            }
        }
    }
}

LLM_CACHE_TEST("packed centroids are read as they were") {
    Random random(seed() + 2);
    for (const size_t centroids : {1u, 15u, 16u, 17u, 256u}) {
        const std::vector<float> rows = gaussians(centroids * 5, random);
        PackedCentroids packed(centroids, 5);
        packed.pack(rows.data());
        for (size_t c = 0; c < centroids; ++c) {
            float out[5];
            packed.read(c, out);
            LLM_CACHE_CHECK(
                std::equal(out, out + 5, rows.begin() + static_cast<std::ptrdiff_t>(c * 5)));
        }
    }
}

LLM_CACHE_TEST("scans of byte codes give the bits of the plain one for all m to 257") {
    Random random(seed() + 3);
    for (const Kernels* kernels : available_kernels()) {
        for (size_t m = 0; m <= 257; ++m) {
            const size_t blocks = m % 4;
            const std::vector<float> table = gaussians(m * kByteEntries, random);
            const OddBytes codes(blocks * m * kCodeRows, random, 256);
            std::vector<float> expected(blocks * kCodeRows + 1, 77);
            std::vector<float> out(expected);
            scalar_pq_kernels()->scan_bytes(table.data(), codes.data(), blocks, m, expected.data());
            kernels->pq()->scan_bytes(table.data(), codes.data(), blocks, m, out.data());
            LLM_CACHE_CHECK(out == expected);
        }
    }
}

LLM_CACHE_TEST("the plain scan of byte codes adds up the entries of a row's codes") {
    Random random(seed() + 4);
    const size_t m = 7;
    const std::vector<float> table = gaussians(m * kByteEntries, random);
    const OddBytes codes(2 * m * kCodeRows, random, 256);
    std::vector<float> out(2 * kCodeRows);
    scalar_pq_kernels()->scan_bytes(table.data(), codes.data(), 2, m, out.data());
    for (size_t row = 0; row < out.size(); ++row) {
        const uint8_t* block = codes.data() + row / kCodeRows * m * kCodeRows;
        float sum = 0;
        for (size_t i = 0; i < m; ++i) {
            sum += table[i * kByteEntries + block[i * kCodeRows + row % kCodeRows]];
        }
        LLM_CACHE_CHECK(out[row] == sum);
    }
}

LLM_CACHE_TEST("scans of 4-bit codes are exact for all m to 258, up to the greatest sums") {
    Random random(seed() + 5);
    for (const Kernels* kernels : available_kernels()) {
        for (size_t pairs = 0; pairs <= 129; ++pairs) {
            for (const bool greatest : {false, true}) {
                const size_t blocks = pairs % 4;
                // 65,535 is 257 x 255; with 258 codes the sum of the greatest would overflow.
                const size_t limit = pairs == 129 ? 255 : 256;
                OddBytes table(pairs * 2 * kNibbleEntries, random, limit);
                std::vector<uint8_t> entries(table.data(), table.data() + pairs * 32);
                if (greatest) std::fill(entries.begin(), entries.end(), uint8_t(limit - 1));
                const OddBytes codes(blocks * pairs * kCodeRows, random, 256);
                std::vector<uint16_t> out(blocks * kCodeRows + 1, 77);
                kernels->pq()->scan_nibbles(entries.data(), codes.data(), blocks, pairs,
                                            out.data());
                LLM_CACHE_CHECK(out.back() == 77);
                for (size_t row = 0; row + 1 < out.size(); ++row) {
                    const uint8_t* block = codes.data() + row / kCodeRows * pairs * kCodeRows;
                    size_t sum = 0;
                    for (size_t pair = 0; pair < pairs; ++pair) {
                        const uint8_t both = block[pair * kCodeRows + row % kCodeRows];
                        sum += entries[pair * 32 + (both & 15)];
                        sum += entries[pair * 32 + 16 + (both >> 4)];
                    }
                    LLM_CACHE_CHECK(out[row] == sum);
                }
            }
        }
    }
}
