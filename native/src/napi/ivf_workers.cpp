// The tasks of inverted lists: building and mapping.
#include "ivf_workers.hpp"

#include <atomic>
#include <new>

#include "../ivfpq_build.hpp"
#include "arguments.hpp"
#include "ivf_index.hpp"
#include "results.hpp"
#include "worker.hpp"

namespace llm_cache {
namespace {

struct BuildTask {
    const Kernels* kernels = nullptr;
    IvfPlan plan = {};
    // What the lists are made for.
    size_t rows = 0;
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

Napi::Value new_lists(Addon& addon, BuildTask& task) {
    IvfPart part;
    part.history.learnt = task.rows;
    part.lists = std::move(task.lists);
    return new_ivf_index(addon, std::move(part));
}

// Copies the arguments; throws and returns false when they do not fit together.
bool fill_task(const Napi::CallbackInfo& info, BuildTask& task) {
    const Napi::Env env = info.Env();
    uint32_t numbers[11] = {};
    const char* names[11] = {"dimension",  "nlist",  "m",    "nbits",   "rescore", "rotations",
                             "iterations", "sample", "seed", "threads", "rows"};
    const uint32_t least[11] = {1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 0};
    for (size_t i = 0; i < 11; ++i) {
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
    task.rows = numbers[10];
    const Status status = IvfQuantiser::check(plan.shape);
    if (status != Status::kOk) {
        throw_status(env, status);
        return false;
    }
    Span<uint32_t> ids;
    Span<float> vectors;
    if (!get_words(env, info[11], "ids", ids) || !get_floats(env, info[12], "vectors", vectors)) {
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

struct MapTask {
    const Kernels* kernels = nullptr;
    StateFile source;
    IvfFile file;
    Status status = Status::kOk;

    void run() {
        status = open_ivf_file(*kernels, source.path, source.dimension, source.checksum, file);
    }
};

// Whatever fails leaves an exception behind.
Napi::Value new_file(Napi::Env env, Addon& addon, MapTask& task) {
    std::vector<IvfPart>& parts = task.file.parts;
    Napi::Object result = Napi::Object::New(env);
    addon.built = std::move(task.file.flat);
    const Napi::Object flat = addon.flat_index_class.New({});
    addon.built = {};
    if (flat.IsEmpty()) return {};
    std::vector<uint32_t> numbers;
    for (const IvfPart& part : parts) numbers.push_back(part.partition);
    const Napi::Uint32Array partitions = new_words(env, numbers);
    const Napi::Uint32Array vacant = new_words(env, task.file.vacant);
    const Napi::Array lists = Napi::Array::New(env, parts.size());
    if (env.IsExceptionPending()) return {};
    for (uint32_t i = 0; i < parts.size(); ++i) {
        const Napi::Object one = new_ivf_index(addon, std::move(parts[i]));
        if (one.IsEmpty()) return {};
        lists.Set(i, one);
    }
    result.Set("flat", flat);
    result.Set("partitions", partitions);
    result.Set("lists", lists);
    result.Set("vacant", vacant);
    return result;
}

}  // namespace

Napi::Value map_ivf_off_thread(const Napi::CallbackInfo& info, Addon& addon) {
    const Napi::Env env = info.Env();
    return promise_of(env, [&]() -> Napi::Value {
        MapTask task;
        task.kernels = addon.kernels;
        if (!get_state_file(env, info[0], info[1], info[2], task.source)) return {};
        return run_off_thread(
            env, "IvfIndex.map", std::move(task),
            [&addon](Napi::Env env, MapTask& done) { return new_file(env, addon, done); });
    });
}

Napi::Value build_off_thread(const Napi::CallbackInfo& info, Addon& addon) {
    const Napi::Env env = info.Env();
    try {
        BuildTask task;
        task.kernels = addon.kernels;
        if (!fill_task(info, task)) return {};
        const std::shared_ptr<std::atomic<bool>> cancelled = task.cancelled;
        const Napi::Promise promise =
            run_off_thread(env, "IvfIndex.build", std::move(task),
                           [&addon](Napi::Env, BuildTask& done) { return new_lists(addon, done); });
        return cancellable(env, promise, cancelled);
    } catch (const std::bad_alloc&) {
        throw_status(env, Status::kOutOfMemory);
        return {};
    }
}

}  // namespace llm_cache
