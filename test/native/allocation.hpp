// Every allocation of a test program, watched: the program says what happens before each. Included
// by one file a program.
#pragma once

#include <cstdlib>
#include <new>

/// @brief The program's own; may throw std::bad_alloc, and allocates nothing.
void before_allocation(std::size_t size);

namespace llm_cache_test {

inline void* allocate(std::size_t size, std::size_t alignment) {
    before_allocation(size);
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace llm_cache_test

void* operator new(std::size_t size) { return llm_cache_test::allocate(size, 16); }
void* operator new[](std::size_t size) { return llm_cache_test::allocate(size, 16); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return llm_cache_test::allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return llm_cache_test::allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
