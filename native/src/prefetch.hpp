// Calls memory into the processor's cache before it is needed; the searches of the flat index use
// it.
#pragma once

#include <cstddef>

namespace llm_cache {

/// @brief Asks for `length` elements from `from` on, 64 bytes at a time. Never faults.
template <typename T>
void prefetch(const T* from, size_t length) {
#if defined(__GNUC__) || defined(__clang__)
    for (size_t i = 0; i < length; i += 64 / sizeof(T)) __builtin_prefetch(from + i);
#else
    (void)from;
    (void)length;
#endif
}

}  // namespace llm_cache
