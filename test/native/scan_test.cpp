// Both scans of every kernel against plain arithmetic, at the extremes of the
// codes included.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <new>

#include "harness.hpp"
#include "kernels/kernels.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

struct Free {
    void operator()(uint8_t* memory) const { ::operator delete[](memory, std::align_val_t{64}); }
};

using Memory = std::unique_ptr<uint8_t[], Free>;

Memory allocate(size_t bytes) {
    return Memory(static_cast<uint8_t*>(::operator new[](bytes, std::align_val_t{64})));
}

enum class Codes { kRandom, kGreatest, kOpposite };

// Blocks with known codes and metrics, and a query that scans them.
struct Scene {
    Scene(size_t groups, size_t blocks, Codes kind, Random& random)
        : groups(groups),
          count(blocks),
          codes(blocks * kBlockRows * groups * 4),
          query_codes(groups * 4),
          coarse(allocate(blocks * coarse_bytes(groups))),
          fine(allocate(blocks * half_bytes(groups))) {
        std::fill_n(coarse.get(), blocks * coarse_bytes(groups), uint8_t{0});
        std::fill_n(fine.get(), blocks * half_bytes(groups), uint8_t{0});
        for (int& code : codes) code = draw(kind == Codes::kRandom, 127, random);
        for (int8_t& code : query_codes) {
            const int greatest = kind == Codes::kOpposite ? -127 : 127;
            code = static_cast<int8_t>(draw(kind == Codes::kRandom, greatest, random));
        }
        for (size_t row = 0; row < blocks * kBlockRows; ++row) put_row(row, random);
        query = query_of(query_codes, 0.01f);
    }

    ScanQuery query_of(const std::vector<int8_t>& from, float scale) const {
        int32_t sum = 0;
        for (const int8_t code : from) sum += code;
        return {from.data(), groups, sum * 120, sum * 128, scale, 0.02f, 1.5f, 1.6f, 1e-30f};
    }

    static int draw(bool random_code, int greatest, Random& random) {
        return random_code ? static_cast<int>(below(random, 255)) - 127 : greatest;
    }

    void put_row(size_t row, Random& random) {
        for (size_t i = 0; i < groups * 4; ++i) {
            const unsigned biased = static_cast<unsigned>(code(row, i) + 128);
            const size_t byte = i / 8 * 64 + row % kBlockRows * 4 + i % 4;
            const unsigned shift = i % 8 < 4 ? 0 : 4;
            uint8_t& high = coarse[row / kBlockRows * coarse_bytes(groups) + byte];
            uint8_t& low = fine[row / kBlockRows * half_bytes(groups) + byte];
            high = static_cast<uint8_t>(high | (biased >> 4) << shift);
            low = static_cast<uint8_t>(low | (biased & 15) << shift);
        }
        metric(row, kScale) = 0.01f * std::fabs(gaussian(random));
        metric(row, kNorm) = std::fabs(gaussian(random));
        metric(row, kError) = std::fabs(gaussian(random));
        metric(row, kCoarseError) = 2 * std::fabs(gaussian(random));
    }

    int& code(size_t row, size_t component) { return codes[row * groups * 4 + component]; }

    float& metric(size_t row, Metric which) {
        uint8_t* end = coarse.get() + row / kBlockRows * coarse_bytes(groups) + half_bytes(groups);
        return reinterpret_cast<float*>(end)[which * kBlockRows + row % kBlockRows];
    }

    // Product and bound of a row in double precision.
    double product(size_t row, bool with_low_bits) {
        int64_t sum = 0;
        for (size_t i = 0; i < groups * 4; ++i) {
            const int full = code(row, i);
            const int used = with_low_bits ? full : (full + 128) / 16 * 16 + 8 - 128;
            sum += used * query_codes[i];
        }
        return static_cast<double>(sum) * metric(row, kScale) * query.scale;
    }

    double bound(size_t row, bool with_low_bits) {
        const double error = with_low_bits ? metric(row, kError) * query.error_factor
                                           : metric(row, kCoarseError) * query.coarse_factor;
        return static_cast<double>(metric(row, kNorm)) * query.norm_factor + error;
    }

    size_t groups;
    size_t count;
    std::vector<int> codes;
    std::vector<int8_t> query_codes;
    Memory coarse;
    Memory fine;
    ScanQuery query;
    // Filled by a scan.
    std::vector<float> upper = std::vector<float>(count * kBlockRows);
    std::vector<float> greatest = std::vector<float>(count);

    void scan(const Kernels& kernels, bool full) {
        const auto kernel = full ? kernels.scan_full : kernels.scan_coarse;
        kernel(query, {coarse.get(), fine.get(), count}, {upper.data(), greatest.data()});
    }
};

// In units of what float32 rounding can do to p + b.
double slack(double product, double bound) { return 12 * 0x1p-24 * (std::fabs(product) + bound); }

void check(const Kernels& kernels, Scene& scene, bool full) {
    scene.scan(kernels, full);
    for (size_t row = 0; row < scene.count * kBlockRows; ++row) {
        const double product = scene.product(row, full);
        const double bound = scene.bound(row, full);
        LLM_CACHE_CHECK(std::fabs(scene.upper[row] - (product + bound)) <= slack(product, bound));
    }
    for (size_t block = 0; block < scene.count; ++block) {
        const float* upper = &scene.upper[block * kBlockRows];
        LLM_CACHE_CHECK(scene.greatest[block] == *std::max_element(upper, upper + kBlockRows));
    }
}

// Four queries at once against each alone: by the same kernel to the last bit, and by the scalar
// one up to rounding.
void check_tile(const Kernels& kernels, Scene& scene, bool full, Random& random) {
    std::vector<std::vector<int8_t>> codes(kTileQueries, scene.query_codes);
    ScanQuery queries[kTileQueries];
    std::vector<std::vector<float>> found(kTileQueries, std::vector<float>(scene.count));
    float* greatest[kTileQueries];
    for (size_t i = 0; i < kTileQueries; ++i) {
        if (i > 0) {
            for (int8_t& code : codes[i]) code = static_cast<int8_t>(below(random, 255)) - 127;
        }
        queries[i] = scene.query_of(codes[i], 0.01f * static_cast<float>(i + 1));
        greatest[i] = found[i].data();
    }
    const Blocks blocks = {scene.coarse.get(), scene.fine.get(), scene.count};
    (full ? kernels.scan_full_tile : kernels.scan_coarse_tile)(queries, blocks, greatest);
    for (size_t i = 0; i < kTileQueries; ++i) {
        scene.query = queries[i];
        scene.query_codes = codes[i];
        scene.scan(kernels, full);
        LLM_CACHE_CHECK(found[i] == scene.greatest);
        scene.scan(*scalar_kernels(), full);
        for (size_t block = 0; block < scene.count; ++block) {
            double allowed = 0;
            for (size_t row = block * kBlockRows; row < (block + 1) * kBlockRows; ++row) {
                allowed =
                    std::max(allowed, slack(scene.product(row, full), scene.bound(row, full)));
            }
            const double difference = std::fabs(found[i][block] - scene.greatest[block]);
            LLM_CACHE_CHECK(difference <= 2 * allowed);
        }
    }
}

}  // namespace

LLM_CACHE_TEST("both scans give product plus bound, and the greatest of each block") {
    Random random(seed());
    for (const Kernels* kernels : available_kernels()) {
        for (const size_t groups : {4u, 8u, 12u, 20u, 96u, 100u, 256u}) {
            for (const size_t blocks : {1u, 2u, 5u, 8u}) {
                for (const Codes kind : {Codes::kRandom, Codes::kGreatest, Codes::kOpposite}) {
                    Scene scene(groups, blocks, kind, random);
                    for (const bool full : {false, true}) check(*kernels, scene, full);
                }
            }
        }
    }
}

LLM_CACHE_TEST("both scans of a tile of queries give what scans of each query give") {
    Random random(seed() + 3);
    for (const Kernels* kernels : available_kernels()) {
        for (const size_t groups : {4u, 8u, 12u, 20u, 96u, 100u, 256u}) {
            for (const size_t blocks : {1u, 2u, 5u, 8u}) {
                for (const Codes kind : {Codes::kRandom, Codes::kGreatest, Codes::kOpposite}) {
                    Scene scene(groups, blocks, kind, random);
                    for (const bool full : {false, true}) {
                        check_tile(*kernels, scene, full, random);
                    }
                }
            }
        }
        Scene longest(65536 / 4, 2, Codes::kGreatest, random);
        for (const bool full : {false, true}) check_tile(*kernels, longest, full, random);
    }
}

LLM_CACHE_TEST("the greatest codes at the greatest dimension overflow nothing") {
    Random random(seed() + 1);
    for (const Kernels* kernels : available_kernels()) {
        for (const Codes kind : {Codes::kGreatest, Codes::kOpposite}) {
            Scene scene(65536 / 4, 1, kind, random);
            for (const bool full : {false, true}) check(*kernels, scene, full);
        }
    }
}

LLM_CACHE_TEST("a vacant row's upper bounds reach no threshold") {
    Random random(seed() + 2);
    const float infinity = std::numeric_limits<float>::infinity();
    for (const Kernels* kernels : available_kernels()) {
        Scene scene(4, 3, Codes::kRandom, random);
        for (size_t row = 0; row < scene.count * kBlockRows; row += 3) {
            scene.metric(row, kScale) = 0;
            scene.metric(row, kNorm) = 0;
            scene.metric(row, kError) = -infinity;
            scene.metric(row, kCoarseError) = -infinity;
        }
        for (const bool full : {false, true}) {
            scene.scan(*kernels, full);
            for (size_t row = 0; row < scene.count * kBlockRows; row += 3) {
                LLM_CACHE_CHECK(scene.upper[row] == -infinity);
            }
        }
    }
}
