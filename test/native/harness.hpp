// The whole test framework: tests register themselves, main() runs them and counts. Every file of
// test/native includes it once.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace llm_cache_test {

struct Test {
    const char* name;
    void (*run)();
};

inline std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}

inline bool& current_failed() {
    static bool failed = false;
    return failed;
}

struct Registration {
    Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

inline void report(const char* file, int line, const char* what) {
    // One line a test is enough: a loop over random cases would print thousands.
    if (!current_failed()) std::printf("  %s:%d: %s\n", file, line, what);
    current_failed() = true;
}

inline uint64_t seed() {
    static const uint64_t value = [] {
        const char* given = std::getenv("LLM_CACHE_SEED");
        return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    }();
    return value;
}

using Random = std::mt19937_64;

inline float gaussian(Random& random) { return std::normal_distribution<float>()(random); }

inline size_t below(Random& random, size_t limit) { return static_cast<size_t>(random() % limit); }

}  // namespace llm_cache_test

#define LLM_CACHE_JOIN_(a, b) a##b
#define LLM_CACHE_JOIN(a, b) LLM_CACHE_JOIN_(a, b)

// A test, named by a sentence.
#define LLM_CACHE_TEST(sentence)                                                       \
    static void LLM_CACHE_JOIN(test_, __LINE__)();                                     \
    static const llm_cache_test::Registration LLM_CACHE_JOIN(registration_, __LINE__){ \
        sentence, LLM_CACHE_JOIN(test_, __LINE__)};                                    \
    static void LLM_CACHE_JOIN(test_, __LINE__)()

#define LLM_CACHE_CHECK(condition) \
    ((condition) ? (void)0 : llm_cache_test::report(__FILE__, __LINE__, #condition))

int main() {
    std::printf("seed %llu (set LLM_CACHE_SEED to repeat)\n",
                static_cast<unsigned long long>(llm_cache_test::seed()));
    int passed = 0;
    int failed = 0;
    for (const auto& test : llm_cache_test::tests()) {
        llm_cache_test::current_failed() = false;
        test.run();
        const bool bad = llm_cache_test::current_failed();
        ++(bad ? failed : passed);
        std::printf("%s %s\n", bad ? "FAIL" : "ok  ", test.name);
        std::fflush(stdout);
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
