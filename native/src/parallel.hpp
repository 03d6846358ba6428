// Work on a few threads of its own, never those of libuv's pool; kmeans and pq use it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace llm_cache {

/// Most threads that one call starts.
constexpr size_t kGreatestThreads = 64;

/// @brief Runs job(0) to job(count - 1), each once, on up to `threads` threads, the caller's among
/// them, and returns when all are done. Where the system refuses a thread the others do its part.
/// @pre job throws nothing, and jobs write to places of their own.
template <typename Job>
void run_parallel(size_t count, size_t threads, const Job& job) {
    std::atomic<size_t> next{0};
    const auto work = [&] {
        for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) job(i);
    };
    const size_t wanted = std::min({threads, count, kGreatestThreads});
    std::vector<std::thread> helpers;
    try {
        if (wanted > 1) helpers.reserve(wanted - 1);
        for (size_t i = 1; i < wanted; ++i) helpers.emplace_back(work);
    } catch (const std::exception&) {
        // bad_alloc or system_error: fewer threads, the same result.
    }
    work();
    for (std::thread& helper : helpers) helper.join();
}

}  // namespace llm_cache
