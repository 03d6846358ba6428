// Training of a product quantiser: k-means of each part, the parts shared out among threads.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <new>

#include "parallel.hpp"
#include "pq.hpp"
#include "quantise.hpp"

namespace llm_cache {
namespace {

Status check_training(const PqShape& shape, const float* vectors, size_t count,
                      const PqTraining& training) {
    if (training.threads == 0 || count > UINT32_MAX) return Status::kCountOutOfRange;
    if (count < shape.centroids()) return Status::kTooFewPoints;
    return check_differing(vectors, count, shape.dimension);
}

class Trainer {
  public:
    Trainer(const Kernels& kernels, const PqShape& shape, const float* vectors, size_t count,
            const PqTraining& training, const Control& control)
        : kernels_(kernels),
          shape_(shape),
          vectors_(vectors),
          count_(count),
          training_(training),
          control_(control),
          codebooks_(shape.codebook_length()) {}

    Status run() {
        run_parallel(shape_.m, training_.threads, [this](size_t part) {
            if (status_ != Status::kOk) return;
            const Status status = train(part);
            if (status != Status::kOk) status_ = status;
        });
        return status_;
    }

    const float* codebooks() const { return codebooks_.data(); }

  private:
    Status train(size_t part) {
        const size_t length = shape_.part_length();
        std::vector<float> points;
        try {
            points.resize(count_ * length);
        } catch (const std::bad_alloc&) {
            return Status::kOutOfMemory;
        }
        for (size_t i = 0; i < count_; ++i) {
            std::copy_n(vectors_ + i * shape_.dimension + part * length, length,
                        points.data() + i * length);
        }
        KMeansOptions options;
        options.clusters = shape_.centroids();
        options.iterations = training_.iterations;
        options.seed = training_.seed + part;
        options.threads = 1;
        Clusters clusters;
        Control control;
        control.cancelled = control_.cancelled;
        const Status status =
            kmeans(kernels_, points.data(), count_, length, options, control, clusters);
        if (status != Status::kOk) return status;
        std::copy(clusters.centroids.begin(), clusters.centroids.end(),
                  codebooks_.data() + part * shape_.centroids() * length);
        const std::lock_guard<std::mutex> lock(mutex_);
        ++done_;
        if (control_.progress) control_.progress(done_, shape_.m);
        return Status::kOk;
    }

    const Kernels& kernels_;
    const PqShape& shape_;
    const float* vectors_;
    const size_t count_;
    const PqTraining& training_;
    const Control& control_;
    std::vector<float> codebooks_;
    std::atomic<Status> status_{Status::kOk};
    std::mutex mutex_;
    size_t done_ = 0;
};

}  // namespace

std::unique_ptr<ProductQuantiser> ProductQuantiser::train(const Kernels& kernels,
                                                          const PqShape& shape,
                                                          const float* vectors, size_t count,
                                                          const PqTraining& training,
                                                          const Control& control, Status& status) {
    status = check(shape);
    if (status == Status::kOk) status = check_training(shape, vectors, count, training);
    if (status != Status::kOk) return nullptr;
    try {
        Trainer trainer(kernels, shape, vectors, count, training, control);
        status = trainer.run();
        if (status == Status::kOk) return create(kernels, shape, trainer.codebooks(), status);
    } catch (const std::bad_alloc&) {
        status = Status::kOutOfMemory;
    }
    return nullptr;
}

}  // namespace llm_cache
