// Training of an IvfQuantiser: a rotation where one is wanted, the lists' centroids, and the code
// of what they leave.
#include <algorithm>
#include <new>

#include "ivfpq_quantiser.hpp"
#include "ivfpq_rotation.hpp"
#include "parallel.hpp"
#include "quantise.hpp"

namespace llm_cache {
namespace {

// Codebooks and rotations are learnt well from so many vectors; more only takes longer.
constexpr size_t kPqSample = 32768;
constexpr size_t kRotationSample = 8192;

Status check_training(const IvfShape& shape, const float* vectors, size_t count,
                      const IvfTraining& training) {
    if (training.threads == 0 || count > UINT32_MAX) return Status::kCountOutOfRange;
    if (count < std::max(shape.nlist, shape.pq().centroids())) return Status::kTooFewPoints;
    return check_differing(vectors, count, shape.dimension);
}

class Learner {
  public:
    Learner(const Kernels& kernels, const IvfShape& shape, const float* vectors, size_t count,
            const IvfTraining& training, const Control& control)
        : kernels_(kernels),
          shape_(shape),
          vectors_(vectors),
          count_(count),
          training_(training),
          control_(control) {}

    std::shared_ptr<const IvfQuantiser> run(Status& status) {
        status = rotate();
        if (status == Status::kOk) status = cluster();
        if (status != Status::kOk) return nullptr;
        std::vector<float> residuals = subtract();
        const size_t size = residuals.size() / shape_.dimension;
        Control quiet;
        quiet.cancelled = control_.cancelled;
        const PqTraining pq_training = {training_.iterations, training_.seed, training_.threads};
        auto pq = ProductQuantiser::train(kernels_, shape_.pq(), residuals.data(), size,
                                          pq_training, quiet, status);
        std::vector<float> codebooks(shape_.pq().codebook_length());
        if (pq != nullptr) {
            pq->read_codebooks(codebooks.data());
        } else if (status == Status::kAllEqual) {
            // Every vector is one of the centroids: the residuals are zero, and so are the codes.
            status = Status::kOk;
        } else {
            return nullptr;
        }
        const float* rotation = rotation_.empty() ? nullptr : rotation_.data();
        const auto made =
            IvfQuantiser::create(kernels_, shape_, clusters_.centroids.data(), codebooks.data(),
                                 rotation, pq == nullptr ? 0 : error_of(*pq, residuals), status);
        tell(kSteps);
        return made;
    }

  private:
    static constexpr size_t kSteps = 20;

    void tell(size_t done) const {
        if (control_.progress) control_.progress(done, kSteps);
    }

    const float* rows() const { return rotated_.empty() ? vectors_ : rotated_.data(); }

    Status rotate() {
        if (training_.rotations == 0) return Status::kOk;
        const std::vector<float> sample =
            sample_vectors(vectors_, count_, shape_.dimension, kRotationSample);
        const PqTraining training = {training_.iterations, training_.seed, training_.threads};
        const Status status =
            learn_rotation(kernels_, shape_.pq(), sample.data(), sample.size() / shape_.dimension,
                           training_.rotations, training, control_, rotation_);
        if (status != Status::kOk) return status;
        rotated_.resize(count_ * shape_.dimension);
        multiply_rows(vectors_, count_, rotation_.data(), shape_.dimension, training_.threads,
                      kernels_, rotated_.data());
        return Status::kOk;
    }

    Status cluster() {
        KMeansOptions options;
        options.clusters = shape_.nlist;
        options.iterations = training_.iterations;
        options.least_share = 0.1;
        options.start = Start::kRandom;
        options.seed = training_.seed;
        options.threads = training_.threads;
        Control control;
        control.cancelled = control_.cancelled;
        control.progress = [this](size_t done, size_t total) { tell(done * (kSteps - 4) / total); };
        return kmeans(kernels_, rows(), count_, shape_.dimension, options, control, clusters_);
    }

    std::vector<float> subtract() const {
        const size_t dimension = shape_.dimension;
        const size_t size = std::min(count_, std::max(kPqSample, shape_.pq().centroids()));
        std::vector<float> out(size * dimension);
        for (size_t i = 0; i < size; ++i) {
            const size_t row = i * count_ / size;
            const float* x = rows() + row * dimension;
            const float* c = clusters_.centroids.data() + clusters_.assignments[row] * dimension;
            for (size_t j = 0; j < dimension; ++j) out[i * dimension + j] = x[j] - c[j];
        }
        return out;
    }

    float error_of(const ProductQuantiser& pq, const std::vector<float>& residuals) const {
        const size_t dimension = shape_.dimension;
        const size_t size = std::min<size_t>(4096, residuals.size() / dimension);
        std::vector<uint8_t> codes(size * shape_.pq().code_bytes());
        std::vector<float> decoded(size * dimension);
        pq.encode(residuals.data(), size, codes.data());
        pq.decode(codes.data(), size, decoded.data());
        double sum = 0;
        for (size_t i = 0; i < size; ++i) {
            sum += kernels_.squared_l2(decoded.data() + i * dimension,
                                       residuals.data() + i * dimension, dimension);
        }
        return static_cast<float>(sum / static_cast<double>(size));
    }

    const Kernels& kernels_;
    const IvfShape& shape_;
    const float* vectors_;
    const size_t count_;
    const IvfTraining& training_;
    const Control& control_;
    std::vector<float> rotation_;
    std::vector<float> rotated_;
    Clusters clusters_;
};

}  // namespace

std::vector<float> sample_vectors(const float* vectors, size_t count, size_t dimension,
                                  size_t most) {
    const size_t picked = std::min(count, most);
    std::vector<float> out(picked * dimension);
    for (size_t i = 0; i < picked; ++i) {
        std::copy_n(vectors + i * count / picked * dimension, dimension,
                    out.data() + i * dimension);
    }
    return out;
}

std::shared_ptr<const IvfQuantiser> IvfQuantiser::train(const Kernels& kernels,
                                                        const IvfShape& shape, const float* vectors,
                                                        size_t count, const IvfTraining& training,
                                                        const Control& control, Status& status) {
    status = check(shape);
    if (status == Status::kOk) status = check_training(shape, vectors, count, training);
    if (status != Status::kOk) return nullptr;
    try {
        return Learner(kernels, shape, vectors, count, training, control).run(status);
    } catch (const std::bad_alloc&) {
        status = Status::kOutOfMemory;
        return nullptr;
    }
}

}  // namespace llm_cache
