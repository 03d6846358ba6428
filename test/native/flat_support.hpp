// Making flat indexes and data that tempts them into mistakes; flat_index_test and flat_batch_test
// include it.
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "flat_index.hpp"
#include "harness.hpp"

namespace llm_cache_test {

using llm_cache::available_kernels;
using llm_cache::FlatIndex;
using llm_cache::Kernels;
using llm_cache::Status;
using llm_cache::Storage;

using Vector = std::vector<float>;

constexpr Storage kStorages[] = {Storage::kFloat32, Storage::kFloat16, Storage::kInt8};

inline std::unique_ptr<FlatIndex> make(const Kernels& kernels, size_t dimension,
                                       Storage storage = Storage::kFloat32) {
    Status status;
    auto index = FlatIndex::create(kernels, static_cast<double>(dimension), status, storage);
    LLM_CACHE_CHECK(status == Status::kOk && index != nullptr);
    return index;
}

inline bool remove(FlatIndex& index, uint32_t id) {
    bool removed = false;
    LLM_CACHE_CHECK(index.remove(id, removed) == Status::kOk);
    return removed;
}

using Source = std::function<Vector(size_t, Random&)>;

inline Vector gaussian_vector(size_t dimension, Random& random) {
    Vector vector(dimension);
    for (float& one : vector) one = gaussian(random);
    return vector;
}

// Data that tempts an index into mistakes.
inline const std::vector<Source>& sources() {
    static const std::vector<Source> all = {
        gaussian_vector,
        // Near-duplicates: differences around the bound and around float32's own resolution.
        [](size_t dimension, Random& random) {
            Vector vector(dimension, 0.5f);
            const float step = below(random, 2) == 0 ? 1e-3f : 1e-7f;
            for (float& one : vector) one += step * gaussian(random);
            return vector;
        },
        // All equal: ties by id alone.
        [](size_t dimension, Random&) { return Vector(dimension, 0.25f); },
        // One component dwarfs the others, so that their codes are all zero.
        [](size_t dimension, Random& random) {
            Vector vector = gaussian_vector(dimension, random);
            vector[below(random, dimension)] *= 1e5f;
            return vector;
        },
        // Norms from 1e-40 (denormal) to 1e17.
        [](size_t dimension, Random& random) {
            const double factor = std::pow(10.0, static_cast<double>(below(random, 57)) - 40);
            Vector vector = gaussian_vector(dimension, random);
            for (float& one : vector) one = static_cast<float>(one * factor);
            return vector;
        },
        // Sparse, with zero vectors among them.
        [](size_t dimension, Random& random) {
            Vector vector(dimension);
            if (below(random, 4) != 0) vector[below(random, dimension)] = gaussian(random);
            return vector;
        },
    };
    return all;
}

}  // namespace llm_cache_test
