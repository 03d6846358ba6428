// Small dense linear algebra: products in blocks that compilers vectorise for the ABI floor.
#include "ivfpq_rotation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "parallel.hpp"

namespace llm_cache {
namespace {

constexpr size_t kStripe = 32;

// out = a x b, all n x n.
void multiply(const float* a, const float* b, size_t n, size_t threads, float* out) {
    const size_t stripes = (n + kStripe - 1) / kStripe;
    run_parallel(stripes, threads, [&](size_t stripe) {
        const size_t end = std::min(n, (stripe + 1) * kStripe);
        for (size_t i = stripe * kStripe; i < end; ++i) {
            float* row = out + i * n;
            std::fill_n(row, n, 0.0f);
            for (size_t j = 0; j < n; ++j) {
                const float factor = a[i * n + j];
                const float* other = b + j * n;
                for (size_t k = 0; k < n; ++k) row[k] += factor * other[k];
            }
        }
    });
}

// out = (transpose of x) x y for `count` rows of n.
void correlate(const float* x, const float* y, size_t count, size_t n, size_t threads, float* out) {
    const size_t stripes = (n + kStripe - 1) / kStripe;
    run_parallel(stripes, threads, [&](size_t stripe) {
        const size_t begin = stripe * kStripe;
        const size_t end = std::min(n, begin + kStripe);
        std::fill(out + begin * n, out + end * n, 0.0f);
        for (size_t row = 0; row < count; ++row) {
            for (size_t i = begin; i < end; ++i) {
                const float factor = x[row * n + i];
                const float* other = y + row * n;
                float* sums = out + i * n;
                for (size_t k = 0; k < n; ++k) sums[k] += factor * other[k];
            }
        }
    });
}

void transpose(const std::vector<float>& matrix, size_t n, std::vector<float>& out) {
    for (size_t i = 0; i < n; ++i) {
        for (size_t j = 0; j < n; ++j) out[j * n + i] = matrix[i * n + j];
    }
}

// The square root of the sum of squares bounds the greatest singular value.
double norm(const std::vector<float>& matrix) {
    double sum = 0;
    for (const float x : matrix) sum += static_cast<double>(x) * x;
    return std::sqrt(sum);
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

}  // namespace

bool is_rotation(const float* matrix, size_t n) {
    constexpr double kTolerance = 1e-3;
    for (size_t i = 0; i < n; ++i) {
        for (size_t j = 0; j <= i; ++j) {
            double product = 0;
            for (size_t k = 0; k < n; ++k) {
                product += static_cast<double>(matrix[i * n + k]) * matrix[j * n + k];
            }
            if (!(std::fabs(product - (i == j ? 1 : 0)) < kTolerance)) return false;
        }
    }
    return true;
}

bool make_orthogonal(std::vector<float>& matrix, size_t n, size_t threads) {
    // Singular values grow by half a round until they are near 1: from 10^-6 that takes 35.
    constexpr size_t kRounds = 60;
    constexpr double kSettled = 1e-5;
    const double greatest = norm(matrix);
    if (!(greatest > 0) || !std::isfinite(greatest)) return false;
    for (float& x : matrix) x = static_cast<float>(x / greatest);
    std::vector<float> turned(n * n);
    std::vector<float> squares(n * n);
    std::vector<float> next(n * n);
    for (size_t round = 0; round < kRounds; ++round) {
        transpose(matrix, n, turned);
        multiply(matrix.data(), turned.data(), n, threads, squares.data());
        double off = 0;
        for (size_t i = 0; i < n * n; ++i) {
            const float unit = i % (n + 1) == 0 ? 1.0f : 0.0f;
            off = std::max(off, std::fabs(static_cast<double>(squares[i]) - unit));
            squares[i] = 1.5f * unit - 0.5f * squares[i];
        }
        if (off < kSettled) return true;
        multiply(squares.data(), matrix.data(), n, threads, next.data());
        matrix.swap(next);
    }
    return is_rotation(matrix.data(), n);
}

void multiply_rows(const float* rows, size_t count, const float* matrix, size_t n, size_t threads,
                   const Kernels& kernels, float* out) {
    PackedCentroids packed(n, n);
    packed.pack(matrix);
    constexpr size_t kChunk = 256;
    const size_t filled = centroid_blocks(n) * kBlockCentroids;
    std::vector<float> rooms(threads == 0 ? 0 : ((count + kChunk - 1) / kChunk) * filled);
    run_parallel((count + kChunk - 1) / kChunk, threads, [&](size_t chunk) {
        float* room = rooms.data() + chunk * filled;
        const size_t end = std::min(count, (chunk + 1) * kChunk);
        for (size_t row = chunk * kChunk; row < end; ++row) {
            kernels.pq()->products(rows + row * n, packed.view(), room);
            std::copy_n(room, n, out + row * n);
        }
    });
}

Status learn_rotation(const Kernels& kernels, const PqShape& shape, const float* vectors,
                      size_t count, size_t rounds, const PqTraining& training,
                      const Control& control, std::vector<float>& rotation) {
    const size_t n = shape.dimension;
    std::vector<float> current(n * n, 0);
    for (size_t i = 0; i < n; ++i) current[i * n + i] = 1;
    std::vector<float> rotated(vectors, vectors + count * n);
    std::vector<float> decoded(count * n);
    std::vector<uint8_t> codes(count * shape.code_bytes());
    std::vector<float> next(n * n);
    Control quiet;
    quiet.cancelled = control.cancelled;
    double least = std::numeric_limits<double>::infinity();
    for (size_t round = 0; round <= rounds; ++round) {
        Status status;
        const auto pq =
            ProductQuantiser::train(kernels, shape, rotated.data(), count, training, quiet, status);
        if (pq == nullptr) return status;
        pq->encode(rotated.data(), count, codes.data());
        pq->decode(codes.data(), count, decoded.data());
        if (control.stop()) return Status::kCancelled;
        const double error = distance(decoded, rotated);
        if (error < least) {
            least = error;
            rotation = current;
        }
        if (round == 0) {
            // Turns lead from here to the nearest optimum only, so they begin where variance is
            // spread over all parts alike. The axes as they are were the first to compare with.
            std::mt19937_64 engine(training.seed);
            for (float& x : next) x = static_cast<float>(engine() >> 40) - 8388607.5f;
        } else {
            // R that makes the sum of |R x - y|^2 least comes from the rows' correlation. What the
            // vectors say nothing about stays as it is: hence a little of the rotation before.
            correlate(decoded.data(), vectors, count, n, training.threads, next.data());
            const float little = static_cast<float>(1e-4 * norm(next));
            for (size_t i = 0; i < n * n; ++i) next[i] += little * current[i];
        }
        if (!make_orthogonal(next, n, training.threads)) return Status::kOk;
        current = next;
        multiply_rows(vectors, count, current.data(), n, training.threads, kernels, rotated.data());
    }
    return Status::kOk;
}

}  // namespace llm_cache
