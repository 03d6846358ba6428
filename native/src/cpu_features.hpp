// What this processor and its operating system can run; kernels/dispatch.cpp and
// sha256/dispatch.cpp ask it.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#define LLM_CACHE_X86 1
#elif defined(__aarch64__) || defined(_M_ARM64)
#define LLM_CACHE_ARM64 1
#endif

// A function with this attribute may use the instruction sets named, whatever the unit is compiled
// for. MSVC allows every intrinsic everywhere and needs none.
#if defined(__GNUC__) || defined(__clang__)
#define LLM_CACHE_TARGET(sets) __attribute__((target(sets)))
#else
#define LLM_CACHE_TARGET(sets)
#endif

namespace llm_cache {

/// @brief Instruction sets that may be executed: the processor has them and the operating system
/// saves their registers.
struct CpuFeatures {
    /// AVX2 with FMA, BMI1 and F16C.
    bool avx2_fma = false;
    /// AVX-512 F, BW, VL and VNNI.
    bool avx512_vnni = false;
    /// SHA extensions, with SSSE3 and SSE4.1.
    bool sha_ni = false;
    bool neon = false;
    bool neon_dotprod = false;
};

/// @brief Asks the processor. A few hundred nanoseconds; callers keep the answer.
CpuFeatures detect_cpu_features();

}  // namespace llm_cache
