// Kernels of clustering and product quantisation, one table an instruction set; reached through
// Kernels::pq. kmeans, pq and their tests use it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace llm_cache {

/// Centroids of a block: one 32-bit lane each in a 512-bit register.
constexpr size_t kBlockCentroids = 16;
/// Rows of a block of codes.
constexpr size_t kCodeRows = 32;
/// Entries of a look-up table for one byte and for half a byte.
constexpr size_t kByteEntries = 256;
constexpr size_t kNibbleEntries = 16;

/// @brief Centroids as the kernels read them: blocks of 16, of each block first the first component
/// of all 16, then the second. The last block is filled up with zeros whose half norm is infinite,
/// so that they are never nearest.
struct Centroids {
    const float* packed;
    /// Half the squared norm of each.
    const float* half_norms;
    size_t blocks;
    /// Components of a centroid.
    size_t length;
};

/// @brief One instruction set's kernels. None has alignment needs.
struct PqKernels {
    /// For each of `count` points, `stride` floats apart, the centroid with the least score |c|^2/2
    /// - x.c, the first of equal ones, and that score: (|x - c|^2 - |x|^2) / 2. Error of a score at
    /// most (length + 2) x 2^-24 x (|c|^2/2 + the sum of |x_i c_i|).
    void (*nearest)(const float* points, size_t stride, size_t count, const Centroids& centroids,
                    uint32_t* indices, float* scores);
    /// Products of a vector with blocks x 16 centroids; error at most length x 2^-24 x the sum of
    /// |x_i c_i|.
    void (*products)(const float* x, const Centroids& centroids, float* out);
    /// Sums of m table entries for each of count x 32 rows, added in order in float32: the same
    /// bits from every kernel. A block holds m x 32 bytes: the first code of 32 rows, then the
    /// second. `table` is m x 256.
    void (*scan_bytes)(const float* table, const uint8_t* blocks, size_t count, size_t m,
                       float* out);
    /// The same for 4-bit codes and bytes as entries, exact as long as the sums fit 16 bits. A
    /// block holds pairs x 32 bytes; the low half of a byte is the even code of its pair. `table`
    /// is pairs x 2 x 16.
    void (*scan_nibbles)(const uint8_t* table, const uint8_t* blocks, size_t count, size_t pairs,
                         uint16_t* out);
    /// Of each of count x 32 sums whether it is at least `least`: a bit a row, a word a block.
    void (*reach_words)(const uint16_t* sums, size_t count, uint16_t least, uint32_t* masks);
    void (*reach_floats)(const float* sums, size_t count, float least, uint32_t* masks);
};

/// @brief The tables, or null where a file has none for this architecture.
const PqKernels* avx512_pq_kernels();
const PqKernels* avx2_pq_kernels();
const PqKernels* neon_pq_kernels();
const PqKernels* scalar_pq_kernels();

}  // namespace llm_cache
