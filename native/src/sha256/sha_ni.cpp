// SHA-256 compression with the x86 SHA extensions; only dispatch.cpp uses it. sha256rnds2 runs two
// rounds on the state kept as ABEF and CDGH; sha256msg1 and sha256msg2 extend the message four
// words at a time (Intel SDM volume 2).
#include "sha256.hpp"

#if defined(LLM_CACHE_X86)

#include <immintrin.h>

#define LLM_CACHE_SHA_NI LLM_CACHE_TARGET("sha,ssse3,sse4.1")

namespace llm_cache {
namespace {

LLM_CACHE_SHA_NI void compress(uint32_t* state, const uint8_t* blocks, size_t count) {
    const __m128i byte_order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    const __m128i abcd = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state));
    const __m128i efgh = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state + 4));
    const __m128i badc = _mm_shuffle_epi32(abcd, 0xb1);
    const __m128i hgfe = _mm_shuffle_epi32(efgh, 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
    __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
    for (; count != 0; --count, blocks += 64) {
        const __m128i abef_before = abef;
        const __m128i cdgh_before = cdgh;
        __m128i w[4];
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC unroll 16
#elif defined(__clang__)
#pragma clang loop unroll(full)
#endif
        for (int step = 0; step < 16; ++step) {
            __m128i& current = w[step % 4];
            if (step < 4) {
                const __m128i* words = reinterpret_cast<const __m128i*>(blocks) + step;
                current = _mm_shuffle_epi8(_mm_loadu_si128(words), byte_order);
            } else {
                // W[t] = s1(W[t-2]) + W[t-7] + s0(W[t-15]) + W[t-16], for four t at once.
                const __m128i& previous = w[(step + 3) % 4];
                const __m128i seven_before = _mm_alignr_epi8(previous, w[(step + 2) % 4], 4);
                const __m128i part = _mm_sha256msg1_epu32(current, w[(step + 1) % 4]);
                current = _mm_sha256msg2_epu32(_mm_add_epi32(part, seven_before), previous);
            }
            const __m128i* constants = reinterpret_cast<const __m128i*>(kSha256Rounds) + step;
            const __m128i sum = _mm_add_epi32(current, _mm_loadu_si128(constants));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

bool supported(const CpuFeatures& features) { return features.sha_ni; }

constexpr Sha256Implementation kImplementation = {"sha-ni", supported, compress};

}  // namespace

const Sha256Implementation* sha_ni_sha256() { return &kImplementation; }

}  // namespace llm_cache

#else

namespace llm_cache {

const Sha256Implementation* sha_ni_sha256() { return nullptr; }

}  // namespace llm_cache

#endif
