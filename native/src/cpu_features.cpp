// Detection by cpuid and xgetbv on x86-64, by hwcap on 64-bit ARM.
#include "cpu_features.hpp"

#include <cstdint>

#if defined(LLM_CACHE_X86)
#if defined(_MSC_VER) && !defined(__clang__)
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#elif defined(LLM_CACHE_ARM64) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(LLM_CACHE_ARM64) && defined(_WIN32)
#include <windows.h>
#endif

namespace llm_cache {

#if defined(LLM_CACHE_X86)

namespace {

struct Registers {
    uint32_t a = 0;
    uint32_t b = 0;
    uint32_t c = 0;
    uint32_t d = 0;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf) {
    Registers r;
#if defined(_MSC_VER) && !defined(__clang__)
    int out[4];
    __cpuidex(out, static_cast<int>(leaf), static_cast<int>(subleaf));
    r.a = static_cast<uint32_t>(out[0]);
    r.b = static_cast<uint32_t>(out[1]);
    r.c = static_cast<uint32_t>(out[2]);
    r.d = static_cast<uint32_t>(out[3]);
#else
    __cpuid_count(leaf, subleaf, r.a, r.b, r.c, r.d);
#endif
    return r;
}

uint64_t saved_registers() {
#if defined(_MSC_VER) && !defined(__clang__)
    return _xgetbv(0);
#else
    uint32_t low = 0;
    uint32_t high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (static_cast<uint64_t>(high) << 32) | low;
#endif
}

bool bit(uint32_t word, int index) { return ((word >> index) & 1u) != 0; }

}  // namespace

CpuFeatures detect_cpu_features() {
    CpuFeatures features;
    if (cpuid(0, 0).a < 7) return features;
    const Registers one = cpuid(1, 0);
    const Registers seven = cpuid(7, 0);
    features.sha_ni = bit(seven.b, 29) && bit(one.c, 9) && bit(one.c, 19);
    const bool xsave_in_use = bit(one.c, 27);
    if (!xsave_in_use) return features;
    const uint64_t saved = saved_registers();
    constexpr uint64_t kYmm = 0x06;
    constexpr uint64_t kZmm = 0xe6;
    features.avx2_fma = (saved & kYmm) == kYmm && bit(one.c, 12) && bit(one.c, 29) &&
                        bit(seven.b, 5) && bit(seven.b, 3);
    features.avx512_vnni = (saved & kZmm) == kZmm && features.avx2_fma && bit(seven.b, 16) &&
                           bit(seven.b, 30) && bit(seven.b, 31) && bit(seven.c, 11);
    return features;
}

#elif defined(LLM_CACHE_ARM64)

CpuFeatures detect_cpu_features() {
    CpuFeatures features;
    features.neon = true;
#if defined(__linux__)
    constexpr unsigned long kHwcapAsimdDp = 1ul << 20;
    features.neon_dotprod = (getauxval(AT_HWCAP) & kHwcapAsimdDp) != 0;
#elif defined(__APPLE__)
    features.neon_dotprod = true;
#elif defined(_WIN32)
    constexpr DWORD kDotProductAvailable = 43;
    features.neon_dotprod = IsProcessorFeaturePresent(kDotProductAvailable) != 0;
#endif
    return features;
}

#else

CpuFeatures detect_cpu_features() { return {}; }

#endif

}  // namespace llm_cache
