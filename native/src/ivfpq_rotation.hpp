// Rotations that suit product quantisation: what optimised product quantisation needs of linear
// algebra; ivfpq_quantiser and ivfpq_train use it.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/kernels.hpp"
#include "kmeans.hpp"
#include "pq.hpp"

namespace llm_cache {

/// @brief Whether n x n numbers are finite and their rows unit length and at right angles, within
/// 1e-3.
bool is_rotation(const float* matrix, size_t n);

/// @brief Turns the matrix into the orthogonal one nearest to it, the U V of its singular value
/// decomposition: what is left when all its singular values become 1. False, with the matrix in an
/// undefined state, where it is too near to a singular one. May throw std::bad_alloc.
/// Cost: n^3 x 60. Source: Higham, "Functions of Matrices", 2008, 8.3 (Newton and Schulz).
bool make_orthogonal(std::vector<float>& matrix, size_t n, size_t threads);

/// @brief Learns a rotation of `count` vectors under which product quantisation errs least, by
/// turns: codebooks for the rotated vectors, then the rotation that brings the vectors nearest to
/// what their codes stand for. `rotation` becomes n x n. May throw std::bad_alloc.
/// @return kOk, kCancelled or a status of ProductQuantiser::train.
Status learn_rotation(const Kernels& kernels, const PqShape& shape, const float* vectors,
                      size_t count, size_t rounds, const PqTraining& training,
                      const Control& control, std::vector<float>& rotation);

/// @brief out = each of `count` rows times the transpose of the n x n matrix.
void multiply_rows(const float* rows, size_t count, const float* matrix, size_t n, size_t threads,
                   const Kernels& kernels, float* out);

}  // namespace llm_cache
