// Coding and decoding by lists; the training stands in ivfpq_train.cpp.
#include "ivfpq_quantiser.hpp"

#include <algorithm>
#include <cmath>
#include <new>

#include "ivfpq_rotation.hpp"
#include "quantise.hpp"

namespace llm_cache {

Status IvfQuantiser::check(const IvfShape& shape) {
    if (shape.nlist == 0 || shape.nlist > kGreatestLists) return Status::kListsOutOfRange;
    return ProductQuantiser::check(shape.pq());
}

IvfQuantiser::IvfQuantiser(const Kernels& kernels, const IvfShape& shape)
    : kernels_(kernels), shape_(shape), centroids_(shape.nlist, shape.dimension) {}

std::shared_ptr<const IvfQuantiser> IvfQuantiser::create(
    const Kernels& kernels, const IvfShape& shape, const float* centroids, const float* codebooks,
    const float* rotation, float error, Status& status) {
    status = check(shape);
    if (status == Status::kOk) status = check_vectors(centroids, shape.nlist, shape.dimension);
    if (status == Status::kOk && !(error >= 0 && std::isfinite(error))) status = Status::kDamaged;
    if (status != Status::kOk) return nullptr;
    if (rotation != nullptr && !is_rotation(rotation, shape.dimension)) {
        status = Status::kDamaged;
        return nullptr;
    }
    try {
        std::shared_ptr<IvfQuantiser> made(new IvfQuantiser(kernels, shape));
        made->centroids_.pack(centroids);
        if (rotation != nullptr) {
            made->rotation_ = std::make_unique<PackedCentroids>(shape.dimension, shape.dimension);
            made->rotation_->pack(rotation);
        }
        made->pq_ = ProductQuantiser::create(kernels, shape.pq(), codebooks, status);
        made->error_ = error;
        if (made->pq_ != nullptr) return made;
    } catch (const std::bad_alloc&) {
        status = Status::kOutOfMemory;
    }
    return nullptr;
}

size_t IvfQuantiser::bytes() const {
    return sizeof *this + centroids_.bytes() + pq_->bytes() +
           (rotation_ == nullptr ? 0 : sizeof *rotation_ + rotation_->bytes());
}

void IvfQuantiser::read_centroids(float* out) const {
    for (size_t i = 0; i < shape_.nlist; ++i, out += shape_.dimension) centroids_.read(i, out);
}

void IvfQuantiser::read_rotation(float* out) const {
    for (size_t i = 0; i < shape_.dimension; ++i, out += shape_.dimension) rotation_->read(i, out);
}

// The vectors themselves where nothing is rotated.
const float* IvfQuantiser::rotate(const float* vectors, size_t count,
                                  std::vector<float>& out) const {
    if (rotation_ == nullptr) return vectors;
    const size_t dimension = shape_.dimension;
    // The last row's filling needs room too.
    const size_t filled = centroid_blocks(dimension) * kBlockCentroids;
    out.resize(count * dimension + filled - dimension);
    for (size_t i = 0; i < count; ++i) {
        kernels_.pq()->products(vectors + i * dimension, rotation_->view(),
                                out.data() + i * dimension);
    }
    return out.data();
}

void IvfQuantiser::encode(const float* vectors, size_t count, IvfScratch& scratch, uint32_t* lists,
                          uint8_t* codes, float* errors) const {
    constexpr size_t kTile = 256;
    const size_t dimension = shape_.dimension;
    scratch.decoded.resize(kTile * dimension);
    scratch.scores.resize(kTile + dimension);
    float* residuals = scratch.decoded.data();
    float* row = scratch.scores.data() + kTile;
    for (size_t start = 0; start < count; start += kTile) {
        const size_t size = std::min(kTile, count - start);
        const float* x = rotate(vectors + start * dimension, size, scratch.rotated);
        find_nearest(kernels_, x, size, centroids_.view(), lists + start, scratch.scores.data());
        for (size_t i = 0; i < size; ++i) {
            centroids_.read(lists[start + i], residuals + i * dimension);
            for (size_t j = 0; j < dimension; ++j) {
                residuals[i * dimension + j] = x[i * dimension + j] - residuals[i * dimension + j];
            }
        }
        uint8_t* out = codes + start * code_bytes();
        pq_->encode(residuals, size, out);
        for (size_t i = 0; i < size; ++i) {
            pq_->decode(out + i * code_bytes(), 1, row);
            errors[start + i] = kernels_.squared_l2(row, residuals + i * dimension, dimension);
        }
    }
}

void IvfQuantiser::decode(uint32_t list, const uint8_t* code, IvfScratch& scratch,
                          float* vector) const {
    const size_t dimension = shape_.dimension;
    scratch.decoded.resize(2 * dimension);
    float* sum = scratch.decoded.data();
    float* row = sum + dimension;
    centroids_.read(list, sum);
    pq_->decode(code, 1, row);
    for (size_t i = 0; i < dimension; ++i) sum[i] += row[i];
    if (rotation_ == nullptr) {
        std::copy_n(sum, dimension, vector);
        return;
    }
    // The inverse of a rotation is its transpose.
    std::fill_n(vector, dimension, 0.0f);
    for (size_t i = 0; i < dimension; ++i) {
        rotation_->read(i, row);
        for (size_t j = 0; j < dimension; ++j) vector[j] += row[j] * sum[i];
    }
}

void IvfQuantiser::prepare(const float* query, IvfScratch& scratch, float* products,
                           float* table) const {
    const float* x = rotate(query, 1, scratch.rotated);
    kernels_.pq()->products(x, centroids_.view(), products);
    pq_->make_table(x, TableKind::kInnerProduct, table);
}

}  // namespace llm_cache
