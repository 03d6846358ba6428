// IvfQuantiser: the lists' centroids and the product code of what is left of a row beside its
// centroid; ivfpq_lists and ivfpq_index use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "centroids.hpp"
#include "kmeans.hpp"
#include "pq.hpp"

namespace llm_cache {

constexpr size_t kGreatestLists = size_t{1} << 20;

/// @brief Form of an index.
struct IvfShape {
    size_t dimension;
    size_t nlist;
    /// Parts of a code, and bits of each: PqShape.
    size_t m;
    size_t nbits;

    PqShape pq() const { return {dimension, m, nbits}; }
};

struct IvfTraining {
    size_t iterations = 10;
    /// Rounds of rotation and product quantisation in turn; 0: no rotation.
    size_t rotations = 0;
    uint64_t seed = 0;
    size_t threads = 2;
};

/// @brief Up to `most` of the vectors, at even distances: rows often come sorted by where they are
/// from. May throw std::bad_alloc.
std::vector<float> sample_vectors(const float* vectors, size_t count, size_t dimension,
                                  size_t most);

/// @brief What one thread works in; its arrays keep their room from call to call.
struct IvfScratch {
    std::vector<float> rotated;
    std::vector<float> decoded;
    std::vector<float> scores;
};

/// @brief A trained quantiser. Immutable, so any number of threads may use it at once.
///
/// A row x is coded as R x = c + r: c is the nearest of nlist centroids, r is coded by product
/// quantisation, and R is a rotation or, mostly, the identity. So x.q = (R x).(R q) is about c.(R
/// q) and the sum of a look-up table's entries: the table is that of the query, whatever the list.
/// Source: Jegou, Douze, Schmid, "Product quantization for nearest neighbor search", PAMI 2011, IV;
/// of R: Ge, He, Ke, Sun, "Optimized product quantization", PAMI 2014, 3.2.
class IvfQuantiser {
  public:
    /// @return kOk, kListsOutOfRange or a status of ProductQuantiser::check.
    static Status check(const IvfShape& shape);

    /// @brief Learns all from `count` vectors. Cost: count x nlist x dimension a round, and that of
    /// ProductQuantiser::train; a rotation dimension^3 x 60 beside that.
    /// @return null with kTooFewPoints (fewer than nlist or 2^nbits), kAllEqual, or a status of
    /// `check`, `kmeans` or ProductQuantiser::train.
    static std::shared_ptr<const IvfQuantiser> train(const Kernels& kernels, const IvfShape& shape,
                                                     const float* vectors, size_t count,
                                                     const IvfTraining& training,
                                                     const Control& control, Status& status);

    /// @brief Takes what was learnt before. `centroids`: nlist x dimension; `codebooks`: as
    /// ProductQuantiser::create takes them; `rotation`: dimension x dimension, or null; `error`:
    /// mean squared error of a code, at least 0.
    /// @return null with a status of `check`, kNotFinite, kTooLong, kDamaged (not a rotation) or
    /// kOutOfMemory.
    static std::shared_ptr<const IvfQuantiser> create(const Kernels& kernels, const IvfShape& shape,
                                                      const float* centroids,
                                                      const float* codebooks, const float* rotation,
                                                      float error, Status& status);

    const IvfShape& shape() const { return shape_; }
    const Kernels& kernels() const { return kernels_; }
    const ProductQuantiser& pq() const { return *pq_; }
    size_t code_bytes() const { return shape_.pq().code_bytes(); }
    bool is_rotated() const { return rotation_ != nullptr; }
    /// @brief Mean squared distance of the training's vectors from what their codes stand for.
    float error() const { return error_; }
    size_t bytes() const;

    /// @brief Copies out what `create` takes.
    void read_centroids(float* out) const;
    void read_rotation(float* out) const;

    /// @brief The list, the code and the squared error of each of `count` vectors, which are unit
    /// length or at least checked. May throw std::bad_alloc.
    void encode(const float* vectors, size_t count, IvfScratch& scratch, uint32_t* lists,
                uint8_t* codes, float* errors) const;

    /// @brief The vector that a code in a list stands for. May throw std::bad_alloc.
    void decode(uint32_t list, const uint8_t* code, IvfScratch& scratch, float* vector) const;

    /// @brief A query in the form that searches need. May throw std::bad_alloc.
    /// `products`: padded_lists() inner products with the centroids; `table`: the look-up table.
    void prepare(const float* query, IvfScratch& scratch, float* products, float* table) const;

    size_t padded_lists() const { return centroid_blocks(shape_.nlist) * kBlockCentroids; }
    float half_norm(size_t list) const { return centroids_.half_norm(list); }

  private:
    IvfQuantiser(const Kernels& kernels, const IvfShape& shape);

    const float* rotate(const float* vectors, size_t count, std::vector<float>& out) const;

    const Kernels& kernels_;
    const IvfShape shape_;
    PackedCentroids centroids_;
    /// The rotation's rows, so that its products with a vector are the rotated vector.
    std::unique_ptr<PackedCentroids> rotation_;
    std::unique_ptr<ProductQuantiser> pq_;
    float error_ = 0;
};

}  // namespace llm_cache
