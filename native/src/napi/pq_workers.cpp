// The tasks of the product quantiser: training, which tells of its progress, and encoding.
#include "pq_workers.hpp"

#include <atomic>
#include <cstring>
#include <new>

#include "arguments.hpp"
#include "errors.hpp"
#include "worker.hpp"

namespace llm_cache {
namespace {

struct EncodeTask {
    std::shared_ptr<const ProductQuantiser> quantiser;
    std::vector<float> vectors;
    std::vector<uint8_t> codes;
    Status status = Status::kOk;

    void run() {
        const PqShape& shape = quantiser->shape();
        status = quantiser->encode(vectors.data(), vectors.size() / shape.dimension, codes.data());
        vectors = {};
    }
};

Napi::Value new_codes(Napi::Env env, EncodeTask& task) {
    Napi::Uint8Array codes = Napi::Uint8Array::New(env, task.codes.size());
    if (codes.IsEmpty()) return {};
    if (!task.codes.empty()) std::memcpy(codes.Data(), task.codes.data(), task.codes.size());
    return codes;
}

struct TrainTask {
    const Kernels* kernels = nullptr;
    PqShape shape = {};
    PqTraining training;
    std::vector<float> vectors;
    std::shared_ptr<std::atomic<bool>> cancelled;
    std::unique_ptr<ProductQuantiser> quantiser;
    Status status = Status::kOk;

    template <typename Progress>
    void run(const Progress& progress) {
        Control control;
        control.cancelled = cancelled.get();
        control.progress = progress;
        quantiser =
            ProductQuantiser::train(*kernels, shape, vectors.data(),
                                    vectors.size() / shape.dimension, training, control, status);
        vectors = {};
    }
};

class TrainWorker : public Napi::AsyncProgressWorker<double> {
  public:
    TrainWorker(Napi::Env env, Addon& addon, TrainTask task, Napi::Function on_progress)
        : Napi::AsyncProgressWorker<double>(env, "ProductQuantiser.train"),
          addon_(addon),
          task_(std::move(task)),
          outcome_(env, "ProductQuantiser.train failed") {
        if (!on_progress.IsEmpty()) on_progress_ = Napi::Persistent(on_progress);
    }

    Napi::Promise promise() const { return outcome_.promise(); }

    void Execute(const ExecutionProgress& progress) override {
        task_.run([&progress](size_t done, size_t total) {
            const double share = static_cast<double>(done) / static_cast<double>(total);
            progress.Send(&share, 1);
        });
    }

    void OnProgress(const double* share, size_t count) override {
        if (on_progress_.IsEmpty() || count == 0 || !thrown_.IsEmpty()) return;
        const Napi::Value returned =
            on_progress_.Value().Call({Napi::Number::New(Env(), share[count - 1])});
        if (!returned.IsEmpty()) return;
        // Without an exception the environment is about to end, and takes no more calls.
        if (Env().IsExceptionPending()) thrown_ = Env().GetAndClearPendingException();
        *task_.cancelled = true;
    }

    void OnOK() override {
        if (!thrown_.IsEmpty()) return outcome_.reject(thrown_.Value());
        if (task_.status != Status::kOk) return outcome_.reject(task_.status);
        addon_.trained = std::move(task_.quantiser);
        const Napi::Object object = addon_.product_quantiser_class.New({});
        addon_.trained.reset();
        if (object.IsEmpty()) return outcome_.reject_pending(Env());
        outcome_.resolve(object);
    }

  private:
    Addon& addon_;
    TrainTask task_;
    Outcome outcome_;
    Napi::FunctionReference on_progress_;
    // What the progress function threw; it ends the training.
    Napi::Error thrown_;
};

// Copies the arguments; throws and returns false when they do not fit together.
bool fill_task(const Napi::CallbackInfo& info, TrainTask& task, Napi::Function& on_progress) {
    const Napi::Env env = info.Env();
    Span<float> vectors;
    uint32_t iterations = 0;
    uint32_t seed = 0;
    uint32_t threads = 0;
    if (!get_shape(info, task.shape) || !get_floats(env, info[3], "vectors", vectors) ||
        !get_uint32(env, info[4], "iterations", 1, iterations) ||
        !get_uint32(env, info[5], "seed", 0, seed) ||
        !get_uint32(env, info[6], "threads", 1, threads) ||
        !check_length(env, "vectors", vectors.length / task.shape.dimension * task.shape.dimension,
                      vectors.length)) {
        return false;
    }
    if (info[7].IsFunction()) {
        on_progress = info[7].As<Napi::Function>();
    } else if (!info[7].IsUndefined()) {
        throw_error(env, kArgumentCode, "onProgress must be a function");
        return false;
    }
    task.training = {iterations, seed, threads};
    task.vectors.assign(vectors.data, vectors.data + vectors.length);
    task.cancelled = std::make_shared<std::atomic<bool>>(false);
    return true;
}

}  // namespace

bool get_shape(const Napi::CallbackInfo& info, PqShape& shape) {
    const Napi::Env env = info.Env();
    uint32_t dimension = 0;
    uint32_t m = 0;
    uint32_t nbits = 0;
    if (!get_uint32(env, info[0], "dimension", 1, dimension) ||
        !get_uint32(env, info[1], "m", 1, m) || !get_uint32(env, info[2], "nbits", 1, nbits)) {
        return false;
    }
    shape = {dimension, m, nbits};
    const Status status = ProductQuantiser::check(shape);
    if (status != Status::kOk) throw_status(env, status);
    return status == Status::kOk;
}

Napi::Value encode_off_thread(Napi::Env env, std::shared_ptr<const ProductQuantiser> quantiser,
                              const float* vectors, size_t rows) {
    return promise_of(env, [&]() -> Napi::Value {
        EncodeTask task;
        const PqShape& shape = quantiser->shape();
        task.vectors.assign(vectors, vectors + rows * shape.dimension);
        task.codes.resize(rows * shape.code_bytes());
        task.quantiser = std::move(quantiser);
        return run_off_thread(env, "ProductQuantiser.encodeMany", std::move(task), &new_codes);
    });
}

Napi::Value train_off_thread(const Napi::CallbackInfo& info, Addon& addon) {
    const Napi::Env env = info.Env();
    try {
        TrainTask task;
        Napi::Function on_progress;
        task.kernels = addon.kernels;
        if (!fill_task(info, task, on_progress)) return {};
        const std::shared_ptr<std::atomic<bool>> cancelled = task.cancelled;
        auto* worker = new TrainWorker(env, addon, std::move(task), on_progress);
        const Napi::Promise promise = worker->promise();
        worker->Queue();
        return cancellable(env, promise, cancelled);
    } catch (const std::bad_alloc&) {
        throw_status(env, Status::kOutOfMemory);
        return {};
    }
}

}  // namespace llm_cache
