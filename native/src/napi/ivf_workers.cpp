// The worker that builds inverted lists: what it works on is a plain struct that holds copies and
// results, nothing of JavaScript.
#include "ivf_workers.hpp"

#include <atomic>
#include <new>

#include "../ivfpq_build.hpp"
#include "arguments.hpp"
#include "outcome.hpp"

namespace llm_cache {
namespace {

struct BuildTask {
    const Kernels* kernels = nullptr;
    IvfPlan plan = {};
    std::vector<uint32_t> ids;
    std::vector<float> vectors;
    std::shared_ptr<std::atomic<bool>> cancelled;
    std::unique_ptr<IvfLists> lists;
    Status status = Status::kOk;

    void run() {
        Control control;
        control.cancelled = cancelled.get();
        lists = build_lists(*kernels, plan, vectors.size() / plan.shape.dimension,
                            ids.empty() ? nullptr : ids.data(), vectors.data(), control, status);
        vectors = {};
    }
};

class BuildWorker : public Napi::AsyncWorker {
  public:
    BuildWorker(Napi::Env env, Addon& addon, BuildTask task)
        : Napi::AsyncWorker(env, "IvfIndex.build"),
          addon_(addon),
          task_(std::move(task)),
          outcome_(env, "IvfIndex.build failed") {}

    Napi::Promise promise() const { return outcome_.promise(); }

    void Execute() override { task_.run(); }

    void OnOK() override {
        if (task_.status != Status::kOk) return outcome_.reject(task_.status);
        addon_.listed = std::move(task_.lists);
        const Napi::Object object = addon_.ivf_index_class.New({});
        addon_.listed.reset();
        if (object.IsEmpty()) return outcome_.reject_pending(Env());
        outcome_.resolve(object);
    }

  private:
    Addon& addon_;
    BuildTask task_;
    Outcome outcome_;
};

// Copies the arguments; throws and returns false when they do not fit together.
bool fill_task(const Napi::CallbackInfo& info, BuildTask& task) {
    const Napi::Env env = info.Env();
    uint32_t numbers[10] = {};
    const char* names[10] = {"dimension", "nlist",      "m",      "nbits", "rescore",
                             "rotations", "iterations", "sample", "seed",  "threads"};
    const uint32_t least[10] = {1, 1, 1, 1, 0, 0, 1, 1, 0, 1};
    for (size_t i = 0; i < 10; ++i) {
        if (!get_uint32(env, info[i], names[i], least[i], numbers[i])) return false;
    }
    if (numbers[4] > 2) {
        throw_error(env, kArgumentCode, "rescore must be 0, 1 or 2");
        return false;
    }
    IvfPlan& plan = task.plan;
    plan.shape = {numbers[0], numbers[1], numbers[2], numbers[3]};
    plan.rescore = static_cast<Rescore>(numbers[4]);
    plan.sample = numbers[7];
    plan.training.rotations = numbers[5];
    plan.training.iterations = numbers[6];
    plan.training.seed = numbers[8];
    plan.training.threads = numbers[9];
    const Status status = IvfQuantiser::check(plan.shape);
    if (status != Status::kOk) {
        throw_status(env, status);
        return false;
    }
    Span<uint32_t> ids;
    Span<float> vectors;
    if (!get_words(env, info[10], "ids", ids) || !get_floats(env, info[11], "vectors", vectors)) {
        return false;
    }
    // Without ids the vectors only teach.
    const size_t rows = ids.length > 0 ? ids.length : vectors.length / plan.shape.dimension;
    if (!check_length(env, "vectors", rows * plan.shape.dimension, vectors.length) ||
        !check_ids(env, ids)) {
        return false;
    }
    task.ids.assign(ids.data, ids.data + ids.length);
    task.vectors.assign(vectors.data, vectors.data + vectors.length);
    task.cancelled = std::make_shared<std::atomic<bool>>(false);
    return true;
}

}  // namespace

Napi::Value build_off_thread(const Napi::CallbackInfo& info, Addon& addon) {
    const Napi::Env env = info.Env();
    try {
        BuildTask task;
        task.kernels = addon.kernels;
        if (!fill_task(info, task)) return {};
        const std::shared_ptr<std::atomic<bool>> cancelled = task.cancelled;
        auto* worker = new BuildWorker(env, addon, std::move(task));
        Napi::Object building = Napi::Object::New(env);
        building.Set("promise", worker->promise());
        building.Set(
            "cancel",
            Napi::Function::New(
                env, [cancelled](const Napi::CallbackInfo&) { *cancelled = true; }, "cancel"));
        worker->Queue();
        return building;
    } catch (const std::bad_alloc&) {
        throw_status(env, Status::kOutOfMemory);
        return {};
    }
}

}  // namespace llm_cache
