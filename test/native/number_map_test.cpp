// The hash table against std::unordered_map, with many collisions, growth and shrinking.
#include "number_map.hpp"

#include <unordered_map>

#include "harness.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

LLM_CACHE_TEST("any sequence of insertions and removals leaves what a standard map holds") {
    Random random(seed());
    for (const size_t range : {8u, 100u, 5000u}) {
        NumberMap<uint32_t> map;
        std::unordered_map<uint32_t, uint32_t> model;
        for (int step = 0; step < 60000; ++step) {
            // Phases of growth and of decline, so that both directions of resizing happen.
            const bool growing = step / 6000 % 2 == 0;
            const uint32_t key = static_cast<uint32_t>(below(random, range)) * 0x10001u;
            const bool there = model.count(key) != 0;
            LLM_CACHE_CHECK((map.find(key) != nullptr) == there);
            if (there) LLM_CACHE_CHECK(*map.find(key) == model[key]);
            if (!there && below(random, 10) < (growing ? 9u : 1u)) {
                const uint32_t value = static_cast<uint32_t>(random());
                map.reserve(1);
                map.insert(key, value);
                model[key] = value;
            } else if (there && below(random, 10) < (growing ? 1u : 9u)) {
                map.erase(key);
                model.erase(key);
                map.shrink();
            }
            LLM_CACHE_CHECK(map.size() == model.size());
        }
        for (const auto& [key, value] : model) {
            const uint32_t* found = map.find(key);
            LLM_CACHE_CHECK(found != nullptr && *found == value);
        }
        for (const auto& [key, value] : model) map.erase(key);
        map.shrink();
        LLM_CACHE_CHECK(map.bytes() == 0);
    }
}
