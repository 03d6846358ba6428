// Kernels of product quantisation for AVX-512; only avx512.cpp takes them. vfnmadd231ps into 16
// accumulators of 16 float32 (4 points by 4 blocks of centroids); vpermt2ps look-ups for codes of a
// byte, added up in float32; vpshufb look-ups for 4-bit codes, added up as 16-bit integers. Tested
// to (length + 2) x 2^-24 of the magnitudes; sums of table entries exactly.
//
// Source of the look-ups in registers: Andre, Kermarrec, Le Scouarnec, "Cache locality is not
// enough", VLDB 2015, and "Accelerated nearest neighbor search with Quick ADC", ICMR 2017.
#include "../cpu_features.hpp"
#include "pq_kernels.hpp"

#if defined(LLM_CACHE_X86)

#include <immintrin.h>

#include <limits>

#define LLM_CACHE_AVX512 LLM_CACHE_TARGET("avx512f,avx512bw,avx512vl,avx2,fma")

namespace llm_cache {
namespace {

constexpr size_t kPointsAtOnce = 4;
constexpr size_t kBlocksAtOnce = 4;

// Scores of kPoints points and the centroids of kBlocks blocks, less what they begin with.
template <size_t kPoints, size_t kBlocks>
LLM_CACHE_AVX512 inline void subtract_products(const float* points, size_t stride,
                                               const float* packed, size_t length,
                                               __m512 (&sums)[kPoints][kBlocks]) {
    const size_t block_floats = length * kBlockCentroids;
    for (size_t i = 0; i < length; ++i) {
        __m512 centroids[kBlocks];
        for (size_t b = 0; b < kBlocks; ++b) {
            centroids[b] = _mm512_loadu_ps(packed + b * block_floats + i * kBlockCentroids);
        }
        for (size_t p = 0; p < kPoints; ++p) {
            const __m512 x = _mm512_set1_ps(points[p * stride + i]);
            for (size_t b = 0; b < kBlocks; ++b) {
                sums[p][b] = _mm512_fnmadd_ps(x, centroids[b], sums[p][b]);
            }
        }
    }
}

// The least score of each lane so far, and the block that had it.
template <size_t kPoints>
struct Least {
    __m512 scores[kPoints];
    __m512i blocks[kPoints];
};

template <size_t kPoints, size_t kBlocks>
LLM_CACHE_AVX512 inline void visit(const float* points, size_t stride, const Centroids& centroids,
                                   size_t block, Least<kPoints>& least) {
    const float* half_norms = centroids.half_norms + block * kBlockCentroids;
    __m512 sums[kPoints][kBlocks];
    for (size_t p = 0; p < kPoints; ++p) {
        for (size_t b = 0; b < kBlocks; ++b) {
            sums[p][b] = _mm512_loadu_ps(half_norms + b * kBlockCentroids);
        }
    }
    subtract_products<kPoints, kBlocks>(
        points, stride, centroids.packed + block * centroids.length * kBlockCentroids,
        centroids.length, sums);
    for (size_t p = 0; p < kPoints; ++p) {
        for (size_t b = 0; b < kBlocks; ++b) {
            const __mmask16 less = _mm512_cmp_ps_mask(sums[p][b], least.scores[p], _CMP_LT_OQ);
            least.scores[p] = _mm512_mask_mov_ps(least.scores[p], less, sums[p][b]);
            least.blocks[p] = _mm512_mask_mov_epi32(least.blocks[p], less,
                                                    _mm512_set1_epi32(static_cast<int>(block + b)));
        }
    }
}

template <size_t kPoints>
LLM_CACHE_AVX512 inline void nearest_of(const float* points, size_t stride,
                                        const Centroids& centroids, uint32_t* indices,
                                        float* scores) {
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    Least<kPoints> least;
    for (size_t p = 0; p < kPoints; ++p) {
        least.scores[p] = _mm512_set1_ps(std::numeric_limits<float>::infinity());
        least.blocks[p] = _mm512_setzero_si512();
    }
    size_t block = 0;
    for (; block + kBlocksAtOnce <= centroids.blocks; block += kBlocksAtOnce) {
        visit<kPoints, kBlocksAtOnce>(points, stride, centroids, block, least);
    }
    for (; block < centroids.blocks; ++block) {
        visit<kPoints, 1>(points, stride, centroids, block, least);
    }
    for (size_t p = 0; p < kPoints; ++p) {
        scores[p] = _mm512_reduce_min_ps(least.scores[p]);
        const __mmask16 equal =
            _mm512_cmp_ps_mask(least.scores[p], _mm512_set1_ps(scores[p]), _CMP_EQ_OQ);
        const __m512i index = _mm512_add_epi32(_mm512_slli_epi32(least.blocks[p], 4), lane);
        indices[p] = _mm512_mask_reduce_min_epu32(equal, index);
    }
}

LLM_CACHE_AVX512 void nearest(const float* points, size_t stride, size_t count,
                              const Centroids& centroids, uint32_t* indices, float* scores) {
    size_t i = 0;
    for (; i + kPointsAtOnce <= count; i += kPointsAtOnce) {
        nearest_of<kPointsAtOnce>(points + i * stride, stride, centroids, indices + i, scores + i);
    }
    for (; i < count; ++i) {
        nearest_of<1>(points + i * stride, stride, centroids, indices + i, scores + i);
    }
}

template <size_t kBlocks>
LLM_CACHE_AVX512 inline void products_of(const float* x, const Centroids& centroids, size_t block,
                                         float* out) {
    __m512 sums[1][kBlocks];
    for (size_t b = 0; b < kBlocks; ++b) sums[0][b] = _mm512_setzero_ps();
    subtract_products<1, kBlocks>(x, 0,
                                  centroids.packed + block * centroids.length * kBlockCentroids,
                                  centroids.length, sums);
    for (size_t b = 0; b < kBlocks; ++b) {
        _mm512_storeu_ps(out + (block + b) * kBlockCentroids,
                         _mm512_sub_ps(_mm512_setzero_ps(), sums[0][b]));
    }
}

LLM_CACHE_AVX512 void products(const float* x, const Centroids& centroids, float* out) {
    size_t block = 0;
    for (; block + kBlocksAtOnce <= centroids.blocks; block += kBlocksAtOnce) {
        products_of<kBlocksAtOnce>(x, centroids, block, out);
    }
    for (; block < centroids.blocks; ++block) products_of<1>(x, centroids, block, out);
}

// A part's 256 entries as they lie in registers, 16 each.
struct Entries {
    __m512 sixteens[16];
};

LLM_CACHE_AVX512 inline Entries load_entries(const float* table) {
    Entries entries;
    for (size_t i = 0; i < 16; ++i) entries.sixteens[i] = _mm512_loadu_ps(table + i * 16);
    return entries;
}

// The entries of 16 codes: the low 5 bits choose from each pair of registers, the high 3 bits among
// the pairs. Measured faster than a gather.
LLM_CACHE_AVX512 inline __m512 entries_of(const Entries& entries, const uint8_t* codes) {
    const __m512i index =
        _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
    __m512 chosen[8];
    for (size_t i = 0; i < 8; ++i) {
        chosen[i] =
            _mm512_permutex2var_ps(entries.sixteens[2 * i], index, entries.sixteens[2 * i + 1]);
    }
    int bit = 32;
    for (size_t pairs = 4; pairs > 0; pairs /= 2, bit *= 2) {
        const __mmask16 odd = _mm512_test_epi32_mask(index, _mm512_set1_epi32(bit));
        for (size_t i = 0; i < pairs; ++i) {
            chosen[i] = _mm512_mask_blend_ps(odd, chosen[2 * i], chosen[2 * i + 1]);
        }
    }
    return chosen[0];
}

// So many blocks at once that loading a part's entries is the lesser part.
template <size_t kBlocks>
LLM_CACHE_AVX512 inline void scan_bytes_of(const float* table, const uint8_t* blocks, size_t m,
                                           float* out) {
    __m512 sums[2 * kBlocks];
    for (__m512& sum : sums) sum = _mm512_setzero_ps();
    for (size_t i = 0; i < m; ++i, blocks += kCodeRows) {
        const Entries entries = load_entries(table + i * kByteEntries);
        for (size_t b = 0; b < kBlocks; ++b) {
            const uint8_t* codes = blocks + b * m * kCodeRows;
            sums[2 * b] = _mm512_add_ps(sums[2 * b], entries_of(entries, codes));
            sums[2 * b + 1] = _mm512_add_ps(sums[2 * b + 1], entries_of(entries, codes + 16));
        }
    }
    for (size_t j = 0; j < 2 * kBlocks; ++j) _mm512_storeu_ps(out + j * 16, sums[j]);
}

LLM_CACHE_AVX512 void scan_bytes(const float* table, const uint8_t* blocks, size_t count, size_t m,
                                 float* out) {
    constexpr size_t kAtOnce = 2;
    size_t block = 0;
    for (; block + kAtOnce <= count; block += kAtOnce) {
        scan_bytes_of<kAtOnce>(table, blocks + block * m * kCodeRows, m, out + block * kCodeRows);
    }
    for (; block < count; ++block) {
        scan_bytes_of<1>(table, blocks + block * m * kCodeRows, m, out + block * kCodeRows);
    }
}

// Adds look-ups to two sums: of all bytes as 16-bit words, and of the high bytes alone. What the
// low bytes add up to is the first less 256 times the second, whatever overflowed.
struct WordSums {
    __m512i words;
    __m512i high_bytes;
};

LLM_CACHE_AVX512 inline void add(WordSums& sums, __m512i entries) {
    sums.words = _mm512_add_epi16(sums.words, entries);
    sums.high_bytes = _mm512_add_epi16(sums.high_bytes, _mm512_srli_epi16(entries, 8));
}

// Two pairs of codes of 32 rows, with the tables of the four codes in order.
LLM_CACHE_AVX512 inline void look_up(__m512i codes, __m512i tables, WordSums& sums) {
    const __m512i low_half = _mm512_set1_epi8(0x0f);
    const __m512i even = _mm512_shuffle_i32x4(tables, tables, 0xa0);
    const __m512i odd = _mm512_shuffle_i32x4(tables, tables, 0xf5);
    add(sums, _mm512_shuffle_epi8(even, _mm512_and_si512(codes, low_half)));
    add(sums, _mm512_shuffle_epi8(odd, _mm512_and_si512(_mm512_srli_epi16(codes, 4), low_half)));
}

LLM_CACHE_AVX512 inline __m256i fold(__m512i v) {
    return _mm256_add_epi16(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
}

LLM_CACHE_AVX512 void scan_nibbles(const uint8_t* table, const uint8_t* blocks, size_t count,
                                   size_t pairs, uint16_t* out) {
    constexpr __mmask64 kOnePair = 0xffffffffu;
    for (size_t block = 0; block < count; ++block, out += kCodeRows) {
        WordSums sums = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        size_t pair = 0;
        for (; pair + 2 <= pairs; pair += 2, blocks += 2 * kCodeRows) {
            look_up(_mm512_loadu_si512(blocks), _mm512_loadu_si512(table + pair * 32), sums);
        }
        if (pair < pairs) {
            look_up(_mm512_maskz_loadu_epi8(kOnePair, blocks),
                    _mm512_maskz_loadu_epi8(kOnePair, table + pair * 32), sums);
            blocks += kCodeRows;
        }
        const __m256i odd_rows = fold(sums.high_bytes);
        const __m256i even_rows =
            _mm256_sub_epi16(fold(sums.words), _mm256_slli_epi16(odd_rows, 8));
        const __m256i low = _mm256_unpacklo_epi16(even_rows, odd_rows);
        const __m256i high = _mm256_unpackhi_epi16(even_rows, odd_rows);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                            _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 16),
                            _mm256_permute2x128_si256(low, high, 0x31));
    }
}

LLM_CACHE_AVX512 void reach_words(const uint16_t* sums, size_t count, uint16_t least,
                                  uint32_t* masks) {
    const __m512i threshold = _mm512_set1_epi16(static_cast<short>(least));
    for (size_t block = 0; block < count; ++block, sums += kCodeRows) {
        masks[block] = _mm512_cmpge_epu16_mask(_mm512_loadu_si512(sums), threshold);
    }
}

LLM_CACHE_AVX512 void reach_floats(const float* sums, size_t count, float least, uint32_t* masks) {
    const __m512 threshold = _mm512_set1_ps(least);
    for (size_t block = 0; block < count; ++block, sums += kCodeRows) {
        const uint32_t low = _mm512_cmp_ps_mask(_mm512_loadu_ps(sums), threshold, _CMP_GE_OQ);
        const uint32_t high = _mm512_cmp_ps_mask(_mm512_loadu_ps(sums + 16), threshold, _CMP_GE_OQ);
        masks[block] = low | high << 16;
    }
}

constexpr PqKernels kKernels = {nearest,      products,    scan_bytes,
                                scan_nibbles, reach_words, reach_floats};

}  // namespace

const PqKernels* avx512_pq_kernels() { return &kKernels; }

}  // namespace llm_cache

#else

namespace llm_cache {

const PqKernels* avx512_pq_kernels() { return nullptr; }

}  // namespace llm_cache

#endif
