// Kernels of product quantisation for AVX2 with FMA; only avx2.cpp takes them. vfnmadd231ps into 8
// accumulators of 8 float32 (4 points by 16 centroids); vpshufb look-ups for 4-bit codes, added up
// as 16-bit integers. Codes of a byte are scanned by the plain code: a gather was slower. Tested to
// (length + 2) x 2^-24 of the magnitudes; sums of table entries exactly.
//
// Source of the look-ups in registers: Andre, Kermarrec, Le Scouarnec, "Cache locality is not
// enough", VLDB 2015, and "Accelerated nearest neighbor search with Quick ADC", ICMR 2017.
#include "../cpu_features.hpp"
#include "pq_kernels.hpp"

#if defined(LLM_CACHE_X86)

#include <immintrin.h>

#include <limits>

#define LLM_CACHE_AVX2 LLM_CACHE_TARGET("avx2,fma")

namespace llm_cache {
namespace {

constexpr size_t kPointsAtOnce = 4;

// Two registers a block of 16 centroids.
template <size_t kPoints>
LLM_CACHE_AVX2 inline void subtract_products(const float* points, size_t stride, const float* block,
                                             size_t length, __m256 (&sums)[kPoints][2]) {
    for (size_t i = 0; i < length; ++i) {
        const __m256 low = _mm256_loadu_ps(block + i * kBlockCentroids);
        const __m256 high = _mm256_loadu_ps(block + i * kBlockCentroids + 8);
        for (size_t p = 0; p < kPoints; ++p) {
            const __m256 x = _mm256_broadcast_ss(points + p * stride + i);
            sums[p][0] = _mm256_fnmadd_ps(x, low, sums[p][0]);
            sums[p][1] = _mm256_fnmadd_ps(x, high, sums[p][1]);
        }
    }
}

// The least score of 8 lanes so far, and the index of the centroid that had it.
struct Least {
    __m256 scores;
    __m256i indices;
};

LLM_CACHE_AVX2 inline void take_less(Least& least, __m256 scores, __m256i indices) {
    const __m256 less = _mm256_cmp_ps(scores, least.scores, _CMP_LT_OQ);
    least.scores = _mm256_blendv_ps(least.scores, scores, less);
    least.indices = _mm256_blendv_epi8(least.indices, indices, _mm256_castps_si256(less));
}

LLM_CACHE_AVX2 inline void reduce(const Least& least, uint32_t& index, float& score) {
    __m128 low =
        _mm_min_ps(_mm256_castps256_ps128(least.scores), _mm256_extractf128_ps(least.scores, 1));
    low = _mm_min_ps(low, _mm_movehl_ps(low, low));
    score = _mm_cvtss_f32(_mm_min_ss(low, _mm_movehdup_ps(low)));
    const __m256 equal = _mm256_cmp_ps(least.scores, _mm256_set1_ps(score), _CMP_EQ_OQ);
    const __m256i candidates =
        _mm256_blendv_epi8(_mm256_set1_epi32(-1), least.indices, _mm256_castps_si256(equal));
    __m128i first =
        _mm_min_epu32(_mm256_castsi256_si128(candidates), _mm256_extracti128_si256(candidates, 1));
    first = _mm_min_epu32(first, _mm_shuffle_epi32(first, 0x4e));
    first = _mm_min_epu32(first, _mm_shuffle_epi32(first, 0xb1));
    index = static_cast<uint32_t>(_mm_cvtsi128_si32(first));
}

template <size_t kPoints>
LLM_CACHE_AVX2 inline void nearest_of(const float* points, size_t stride,
                                      const Centroids& centroids, uint32_t* indices,
                                      float* scores) {
    const size_t block_floats = centroids.length * kBlockCentroids;
    Least least[kPoints];
    for (Least& one : least) {
        one = {_mm256_set1_ps(std::numeric_limits<float>::infinity()), _mm256_setzero_si256()};
    }
    __m256i low_index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (size_t block = 0; block < centroids.blocks; ++block) {
        const float* half_norms = centroids.half_norms + block * kBlockCentroids;
        __m256 sums[kPoints][2];
        for (size_t p = 0; p < kPoints; ++p) {
            sums[p][0] = _mm256_loadu_ps(half_norms);
            sums[p][1] = _mm256_loadu_ps(half_norms + 8);
        }
        subtract_products<kPoints>(points, stride, centroids.packed + block * block_floats,
                                   centroids.length, sums);
        const __m256i high_index = _mm256_add_epi32(low_index, _mm256_set1_epi32(8));
        for (size_t p = 0; p < kPoints; ++p) {
            take_less(least[p], sums[p][0], low_index);
            take_less(least[p], sums[p][1], high_index);
        }
        low_index = _mm256_add_epi32(high_index, _mm256_set1_epi32(8));
    }
    for (size_t p = 0; p < kPoints; ++p) reduce(least[p], indices[p], scores[p]);
}

LLM_CACHE_AVX2 void nearest(const float* points, size_t stride, size_t count,
                            const Centroids& centroids, uint32_t* indices, float* scores) {
    size_t i = 0;
    for (; i + kPointsAtOnce <= count; i += kPointsAtOnce) {
        nearest_of<kPointsAtOnce>(points + i * stride, stride, centroids, indices + i, scores + i);
    }
    for (; i < count; ++i) {
        nearest_of<1>(points + i * stride, stride, centroids, indices + i, scores + i);
    }
}

LLM_CACHE_AVX2 void products(const float* x, const Centroids& centroids, float* out) {
    const size_t block_floats = centroids.length * kBlockCentroids;
    for (size_t block = 0; block < centroids.blocks; ++block, out += kBlockCentroids) {
        __m256 sums[1][2] = {{_mm256_setzero_ps(), _mm256_setzero_ps()}};
        subtract_products<1>(x, 0, centroids.packed + block * block_floats, centroids.length, sums);
        _mm256_storeu_ps(out, _mm256_sub_ps(_mm256_setzero_ps(), sums[0][0]));
        _mm256_storeu_ps(out + 8, _mm256_sub_ps(_mm256_setzero_ps(), sums[0][1]));
    }
}

void scan_bytes(const float* table, const uint8_t* blocks, size_t count, size_t m, float* out) {
    scalar_pq_kernels()->scan_bytes(table, blocks, count, m, out);
}

// Adds look-ups to two sums: of all bytes as 16-bit words, and of the high bytes alone. What the
// low bytes add up to is the first less 256 times the second, whatever overflowed.
struct WordSums {
    __m256i words;
    __m256i high_bytes;
};

LLM_CACHE_AVX2 inline void look_up(const uint8_t* table, __m256i codes, WordSums& sums) {
    const __m256i entries = _mm256_shuffle_epi8(
        _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table))),
        codes);
    sums.words = _mm256_add_epi16(sums.words, entries);
    sums.high_bytes = _mm256_add_epi16(sums.high_bytes, _mm256_srli_epi16(entries, 8));
}

LLM_CACHE_AVX2 void scan_nibbles(const uint8_t* table, const uint8_t* blocks, size_t count,
                                 size_t pairs, uint16_t* out) {
    const __m256i low_half = _mm256_set1_epi8(0x0f);
    for (size_t block = 0; block < count; ++block, out += kCodeRows) {
        WordSums sums = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t pair = 0; pair < pairs; ++pair, blocks += kCodeRows) {
            const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(blocks));
            const uint8_t* tables = table + pair * 2 * kNibbleEntries;
            look_up(tables, _mm256_and_si256(codes, low_half), sums);
            look_up(tables + kNibbleEntries,
                    _mm256_and_si256(_mm256_srli_epi16(codes, 4), low_half), sums);
        }
        const __m256i odd_rows = sums.high_bytes;
        const __m256i even_rows = _mm256_sub_epi16(sums.words, _mm256_slli_epi16(odd_rows, 8));
        const __m256i low = _mm256_unpacklo_epi16(even_rows, odd_rows);
        const __m256i high = _mm256_unpackhi_epi16(even_rows, odd_rows);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                            _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 16),
                            _mm256_permute2x128_si256(low, high, 0x31));
    }
}

// The bytes of two comparisons of 16 words each, packed and put in order: a bit a row.
LLM_CACHE_AVX2 void reach_words(const uint16_t* sums, size_t count, uint16_t least,
                                uint32_t* masks) {
    const __m256i threshold = _mm256_set1_epi16(static_cast<short>(least));
    for (size_t block = 0; block < count; ++block, sums += kCodeRows) {
        const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums));
        const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + 16));
        const __m256i both =
            _mm256_packs_epi16(_mm256_cmpeq_epi16(_mm256_max_epu16(low, threshold), low),
                               _mm256_cmpeq_epi16(_mm256_max_epu16(high, threshold), high));
        masks[block] =
            static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_permute4x64_epi64(both, 0xd8)));
    }
}

LLM_CACHE_AVX2 void reach_floats(const float* sums, size_t count, float least, uint32_t* masks) {
    const __m256 threshold = _mm256_set1_ps(least);
    for (size_t block = 0; block < count; ++block, sums += kCodeRows) {
        uint32_t mask = 0;
        for (size_t i = 0; i < kCodeRows; i += 8) {
            const int reached =
                _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(sums + i), threshold, _CMP_GE_OQ));
            mask |= static_cast<uint32_t>(reached) << i;
        }
        masks[block] = mask;
    }
}

constexpr PqKernels kKernels = {nearest,      products,    scan_bytes,
                                scan_nibbles, reach_words, reach_floats};

}  // namespace

const PqKernels* avx2_pq_kernels() { return &kKernels; }

}  // namespace llm_cache

#else

namespace llm_cache {

const PqKernels* avx2_pq_kernels() { return nullptr; }

}  // namespace llm_cache

#endif
