// Int8 codes of a float32 vector and the norms its error bound is made of; flat_index uses it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "status.hpp"

namespace llm_cache {

/// Greatest norm taken: products of two such vectors (2^126) still fit a float32.
constexpr double kGreatestNorm = 9223372036854775808.0;

/// @brief x = scale x codes + residual. All norms are rounded up, never down.
struct Quantised {
    float scale;
    /// Norm of scale x codes.
    float norm;
    /// Norm of the residual.
    float error;
    /// Norm of the coarse residual, at least `error`: what is left when of code + 128 only the high
    /// 4 bits are known and the low ones are taken for 8, that is x - scale x (code + 128 - (code +
    /// 128) mod 16 + 8 - 128).
    float coarse_error;
};

/// @brief Codes of the `length` components of `x`, in [-127, 127].
///
/// scale = max|x| / 127. In units of the scale, u = x / scale is rounded to the code c, and r = u
/// - c. The computed u differs from the real one by a factor within 1 +- 2^-22 (two divisions and a
/// product), so the residual's norm is at most scale x (|r| (1 + 2^-10) + 2^-21 (|c| + |r|)), where
/// 2^-10 covers float32 summation of up to 65,536 squares. Vectors whose greatest component is
/// under 2^-110 have no scale that a float32 holds well: their codes are zero and the residual is
/// the whole vector.
/// @return kOk, kNotFinite or kTooLong.
Status quantise(const float* x, size_t length, int8_t* codes, Quantised& result);

/// @brief What holds of the row that is `codes` times the scale of `given`, each component rounded
/// to a float32, in place of the row that `quantise` made the codes of.
Quantised metrics_of_codes(const int8_t* codes, size_t length, const Quantised& given);

/// @brief Whether each of `count` vectors of `length` components, one behind the other, is finite
/// with a norm of at most kGreatestNorm.
/// @return kOk, kNotFinite or kTooLong.
Status check_vectors(const float* x, size_t count, size_t length);

/// @brief Whether something can be learnt from the vectors: as check_vectors, and not all equal.
/// @return kOk, kNotFinite, kTooLong or kAllEqual.
Status check_differing(const float* x, size_t count, size_t length);

}  // namespace llm_cache
