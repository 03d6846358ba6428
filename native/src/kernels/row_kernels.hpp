// Kernels of stored rows and of choosing among them, one table an instruction set; reached through
// Kernels::rows. The flat index and indexes that rescore use it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace llm_cache {

/// @brief One instruction set's kernels. None has alignment needs. A half is an IEEE 754 binary16
/// in a uint16_t.
struct RowKernels {
    /// Rounds to the nearest half, ties to even; beyond 65,504 to infinity. The same bits from
    /// every kernel, NaN excepted.
    void (*to_half)(const float* x, size_t n, uint16_t* out);
    /// Exact.
    void (*from_half)(const uint16_t* x, size_t n, float* out);
    /// Inner product in float32; error at most dot_roundings(n) x 2^-24 x the sum of |a_i b_i|.
    float (*dot_half)(const uint16_t* a, const float* b, size_t n);
    /// Writes the positions of the values that are at least `threshold`, ascending, and returns how
    /// many there are; NaN is never among them. `out` has room for n. Values below cost one
    /// comparison a register.
    size_t (*at_least)(const float* values, size_t n, float threshold, uint32_t* out);
};

/// @brief The tables, or null where a file has none for this architecture.
const RowKernels* avx512_row_kernels();
const RowKernels* avx2_row_kernels();
const RowKernels* neon_row_kernels();
const RowKernels* scalar_row_kernels();

}  // namespace llm_cache
