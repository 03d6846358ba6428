// The frequency sketch against exact counts and against a plain table of counters.
#include "frequency_sketch.hpp"

#include <algorithm>
#include <map>

#include "harness.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

FrequencySketch::Multipliers multipliers_of(Random& random) {
    FrequencySketch::Multipliers multipliers;
    for (uint64_t& each : multipliers) each = random();
    return multipliers;
}

std::unique_ptr<FrequencySketch> make(uint32_t capacity, uint32_t bits, Random& random) {
    Status status = Status::kFull;
    auto sketch = FrequencySketch::create(capacity, bits, multipliers_of(random), status);
    LLM_CACHE_CHECK(sketch != nullptr && status == Status::kOk);
    return sketch;
}

}  // namespace

LLM_CACHE_TEST("a count is never below the truth, and the sum of what is too much stays small") {
    Random random(seed());
    for (const uint32_t bits : {4u, 16u}) {
        const uint32_t greatest = bits == 4 ? 15 : 65535;
        const uint32_t capacity = 1000;
        auto sketch = make(capacity, bits, random);
        std::map<uint64_t, uint32_t> truth;
        std::vector<uint64_t> keys(3000);
        for (uint64_t& key : keys) key = random();
        // Nine times the capacity: no halving yet.
        for (uint32_t i = 0; i < 9 * capacity; ++i) {
            const uint64_t key = keys[below(random, 1 + below(random, keys.size()))];
            const uint32_t count = ++truth[key];
            const uint32_t told = sketch->add(key);
            LLM_CACHE_CHECK(told >= std::min(count, greatest) && told <= greatest);
            LLM_CACHE_CHECK(told == sketch->estimate(key));
        }
        uint32_t excess = 0;
        for (const auto& [key, count] : truth) {
            LLM_CACHE_CHECK(sketch->estimate(key) >= std::min(count, greatest));
            excess += sketch->estimate(key) - std::min(count, greatest);
        }
        // Four rows of four counters a key of interest, three keys asked for each.
        LLM_CACHE_CHECK(excess <= truth.size() / 10);
        LLM_CACHE_CHECK(sketch->samples() == 9 * capacity);
    }
}

LLM_CACHE_TEST("conservative update: the least counters alone grow, as in a plain table") {
    Random random(seed());
    for (const uint32_t bits : {4u, 16u}) {
        const uint32_t greatest = bits == 4 ? 15 : 65535;
        const uint32_t capacity = 7;
        const auto multipliers = multipliers_of(random);
        Status status = Status::kOk;
        auto sketch = FrequencySketch::create(capacity, bits, multipliers, status);
        constexpr size_t kWidth = 64;  // the least width
        std::vector<uint32_t> table(kSketchRows * kWidth);
        uint64_t samples = 0;
        for (int step = 0; step < 20000; ++step) {
            const uint64_t key = random() % 200;
            uint32_t* counters[kSketchRows];
            uint32_t least = greatest;
            for (size_t row = 0; row < kSketchRows; ++row) {
                counters[row] = &table[row * kWidth + (((multipliers[row] | 1) * key) >> 58)];
                least = std::min(least, *counters[row]);
            }
            LLM_CACHE_CHECK(sketch->estimate(key) == least);
            for (uint32_t* counter : counters) {
                if (*counter == least && least < greatest) ++*counter;
            }
            if (++samples == kSketchSample * capacity) {
                for (uint32_t& counter : table) counter /= 2;
                samples /= 2;
            }
            sketch->add(key);
            LLM_CACHE_CHECK(sketch->samples() == samples);
        }
    }
}

LLM_CACHE_TEST(
    "counters stop at their greatest value, halve without touching neighbours, and clear") {
    Random random(seed());
    for (const uint32_t bits : {4u, 16u}) {
        const uint32_t greatest = bits == 4 ? 15 : 65535;
        auto sketch = make(1u << 16, bits, random);
        const uint64_t key = random();
        for (uint32_t i = 0; i < greatest + 5; ++i) sketch->add(key);
        LLM_CACHE_CHECK(sketch->estimate(key) == greatest);
        sketch->halve();
        LLM_CACHE_CHECK(sketch->estimate(key) == greatest / 2);
        uint32_t others = 0;
        for (int i = 0; i < 1000; ++i) others += sketch->estimate(random()) > 0;
        LLM_CACHE_CHECK(others == 0);
        sketch->clear();
        LLM_CACHE_CHECK(sketch->estimate(key) == 0 && sketch->samples() == 0);
    }
}

LLM_CACHE_TEST("what was frequent long ago is forgotten") {
    Random random(seed());
    auto sketch = make(100, 4, random);
    for (int i = 0; i < 15; ++i) sketch->add(1);
    for (int i = 0; i < 10000; ++i) sketch->add(1000 + below(random, 50));
    LLM_CACHE_CHECK(sketch->estimate(1) <= 1);
}

LLM_CACHE_TEST("whoever does not know the multipliers cannot raise the count of a key") {
    Random random(seed());
    // Keys that all share the counters of the key 0 under other multipliers.
    const auto told = multipliers_of(random);
    std::vector<uint64_t> hostile;
    while (hostile.size() < 300) {
        const uint64_t key = random();
        if (((told[0] | 1) * key) >> 54 == 0) hostile.push_back(key);
    }
    auto sketch = make(256, 16, random);
    for (int round = 0; round < 4; ++round) {
        for (const uint64_t key : hostile) sketch->add(key);
    }
    LLM_CACHE_CHECK(sketch->estimate(0) <= 4);
}

LLM_CACHE_TEST("other counters than of 4 or 16 bits are refused; any capacity is taken") {
    Random random(seed());
    for (const uint32_t bits : {0u, 1u, 5u, 8u, 32u}) {
        Status status = Status::kOk;
        LLM_CACHE_CHECK(FrequencySketch::create(9, bits, multipliers_of(random), status) ==
                        nullptr);
        LLM_CACHE_CHECK(status == Status::kCounterBits);
    }
    LLM_CACHE_CHECK(make(1, 4, random)->bytes() == kSketchRows * 64 / 2);
    LLM_CACHE_CHECK(make(0xffffffffu, 4, random)->bytes() ==
                    kSketchRows * kSketchGreatestWidth / 2);
}
