// The block scan of every kernel against plain arithmetic, saturating codes included.
#include <algorithm>
#include <cmath>
#include <cstring>
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

// Blocks with random metrics, and the query that scans them.
struct Scene {
    Scene(size_t groups, size_t blocks, int limit, int kind, Random& random)
        : query_codes(groups * 4), groups(groups), count(blocks) {
        const size_t bytes = blocks * block_bytes(groups);
        memory.reset(static_cast<uint8_t*>(::operator new[](bytes, std::align_val_t{64})));
        for (int8_t& code : query_codes) code = draw(limit, kind == 0, kind == 2, random);
        for (size_t block = 0; block < blocks; ++block) {
            uint8_t* codes = memory.get() + block * block_bytes(groups);
            for (size_t i = 0; i < groups * 4 * kBlockRows; ++i) {
                codes[i] = static_cast<uint8_t>(128 + draw(127, kind == 0, false, random));
            }
            for (size_t i = 0; i < 3 * kBlockRows; ++i) {
                metric(block, i) = std::fabs(gaussian(random)) * (i < kBlockRows ? 0.01f : 1.0f);
            }
        }
        int32_t sum = 0;
        for (const int8_t code : query_codes) sum += code;
        query = {query_codes.data(), groups, sum * 128, 0.01f, 0.02f, 1.5f, 1e-30f};
    }

    static int8_t draw(int limit, bool random_codes, bool negative, Random& random) {
        const int width = 2 * limit + 1;
        if (random_codes)
            return static_cast<int8_t>(static_cast<int>(below(random, width)) - limit);
        return static_cast<int8_t>(negative ? -limit : limit);
    }

    float& metric(size_t block, size_t index) {
        uint8_t* start = memory.get() + block * block_bytes(groups) + groups * 4 * kBlockRows;
        return reinterpret_cast<float*>(start)[index];
    }

    int64_t code_product(size_t block, size_t row) const {
        const uint8_t* codes = memory.get() + block * block_bytes(groups);
        int64_t sum = 0;
        for (size_t i = 0; i < groups * 4; ++i) {
            const int code = codes[i / 4 * 64 + row * 4 + i % 4] - 128;
            sum += code * query_codes[i];
        }
        return sum;
    }

    std::unique_ptr<uint8_t[], Free> memory;
    std::vector<int8_t> query_codes;
    size_t groups;
    size_t count;
    ScanQuery query;
};

void check_scene(const Kernels& kernels, Scene& scene, float threshold) {
    ScanFindings findings;
    const size_t found =
        kernels.scan(scene.query, scene.memory.get(), scene.count, threshold, findings);
    size_t next = 0;
    for (size_t row = 0; row < scene.count * kBlockRows; ++row) {
        const size_t block = row / kBlockRows;
        const size_t lane = row % kBlockRows;
        const double product = static_cast<double>(scene.code_product(block, lane)) *
                               scene.metric(block, lane) * scene.query.scale;
        const double norm = scene.metric(block, kBlockRows + lane);
        const double error = scene.metric(block, 2 * kBlockRows + lane);
        const double bound = norm * scene.query.norm_factor + error * scene.query.error_factor;
        const double slack = 12 * 0x1p-24 * (std::fabs(product) + bound);
        const bool listed = next < found && findings.row[next] == row;
        if (product + bound > threshold + slack) LLM_CACHE_CHECK(listed);
        // Written so that a bound of minus infinity or NaN means "never".
        if (!(product + bound >= threshold - slack)) LLM_CACHE_CHECK(!listed);
        if (!listed) continue;
        LLM_CACHE_CHECK(std::fabs(findings.upper[next] - (product + bound)) <= slack);
        LLM_CACHE_CHECK(std::fabs(findings.lower[next] - (product - bound)) <= slack);
        ++next;
    }
    LLM_CACHE_CHECK(next == found);
}

}  // namespace

LLM_CACHE_TEST("a scan finds exactly the rows whose upper bound reaches the threshold") {
    Random random(seed());
    for (const Kernels* kernels : available_kernels()) {
        for (const size_t groups : {4u, 8u, 12u, 96u, 100u, 256u}) {
            for (size_t blocks = 1; blocks <= kScanBlocks; ++blocks) {
                for (int kind = 0; kind < 3; ++kind) {
                    Scene scene(groups, blocks, kernels->query_code_limit, kind, random);
                    for (const float threshold : {-1e30f, -1.0f, 0.0f, 1.0f, 1e30f}) {
                        check_scene(*kernels, scene, threshold);
                    }
                }
            }
        }
    }
}

LLM_CACHE_TEST("the greatest codes at the greatest dimension overflow nothing") {
    Random random(seed() + 1);
    for (const Kernels* kernels : available_kernels()) {
        for (const int kind : {1, 2}) {
            Scene scene(65536 / 4, 1, kernels->query_code_limit, kind, random);
            check_scene(*kernels, scene, -1e30f);
        }
    }
}

LLM_CACHE_TEST("a vacant row is never found") {
    Random random(seed() + 2);
    for (const Kernels* kernels : available_kernels()) {
        Scene scene(4, kScanBlocks, kernels->query_code_limit, 0, random);
        for (size_t block = 0; block < scene.count; ++block) {
            for (size_t lane = 0; lane < kBlockRows; lane += 3) {
                scene.metric(block, 2 * kBlockRows + lane) =
                    -std::numeric_limits<float>::infinity();
            }
        }
        ScanFindings findings;
        const size_t found = kernels->scan(scene.query, scene.memory.get(), scene.count,
                                           -std::numeric_limits<float>::max(), findings);
        LLM_CACHE_CHECK(found == kScanBlocks * 10);
        for (size_t i = 0; i < found; ++i) {
            LLM_CACHE_CHECK(findings.row[i] % kBlockRows % 3 != 0);
        }
    }
}
