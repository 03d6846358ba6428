// Two workers: what they work on are plain structs that hold copies, snapshots and results, nothing
// of JavaScript.
#include "flat_workers.hpp"

#include <algorithm>
#include <new>

#include "arguments.hpp"
#include "outcome.hpp"

namespace llm_cache {
namespace {

// What a build works on: copies and results, nothing of JavaScript.
struct BuildTask {
    const Kernels* kernels = nullptr;
    double dimension = 0;
    std::vector<uint32_t> ids;
    std::vector<uint32_t> partitions;
    std::vector<float> vectors;
    // Without a path when the rows are given.
    StateFile source;
    FlatFile built;
    Status status = Status::kOk;

    void run() {
        if (!source.path.empty()) {
            status =
                open_flat_file(*kernels, source.path, source.dimension, source.checksum, built);
            return;
        }
        std::unique_ptr<FlatIndex>& index = built.index;
        index = FlatIndex::create(*kernels, dimension, status);
        bool is_new = false;
        for (size_t i = 0; i < ids.size() && status == Status::kOk; ++i) {
            status =
                index->set(ids[i], partitions[i], vectors.data() + i * index->dimension(), is_new);
        }
        if (status != Status::kOk) index.reset();
        vectors = {};
    }
};

class BuildWorker : public Napi::AsyncWorker {
  public:
    BuildWorker(Napi::Env env, Addon& addon, BuildTask&& task)
        : Napi::AsyncWorker(env, "llm_cache.FlatIndex.build"),
          addon_(addon),
          task_(std::move(task)),
          outcome_(env, "FlatIndex.build failed") {}

    Napi::Promise promise() const { return outcome_.promise(); }

    void Execute() override { task_.run(); }

    void OnOK() override {
        if (task_.status != Status::kOk) return outcome_.reject(task_.status);
        addon_.built = std::move(task_.built);
        const Napi::Object object = addon_.flat_index_class.New({});
        addon_.built = {};
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
    uint32_t dimension = 0;
    Span<uint32_t> ids;
    Span<uint32_t> partitions;
    Span<float> vectors;
    if (!get_uint32(env, info[0], "dimension", 1, dimension) ||
        !get_words(env, info[1], "ids", ids) ||
        !get_words(env, info[2], "partitions", partitions) ||
        !get_floats(env, info[3], "vectors", vectors)) {
        return false;
    }
    if (dimension > kGreatestDimension) {
        throw_status(env, Status::kDimensionOutOfRange);
        return false;
    }
    if (!check_length(env, "partitions", ids.length, partitions.length) ||
        !check_length(env, "vectors", ids.length * dimension, vectors.length)) {
        return false;
    }
    task.dimension = dimension;
    task.ids.assign(ids.data, ids.data + ids.length);
    task.partitions.assign(partitions.data, partitions.data + partitions.length);
    task.vectors.assign(vectors.data, vectors.data + vectors.length);
    return true;
}

bool fill_map_task(const Napi::CallbackInfo& info, BuildTask& task) {
    return get_state_file(info.Env(), info[0], info[1], info[2], task.source);
}

Napi::Value start(const Napi::CallbackInfo& info,
                  bool (*fill)(const Napi::CallbackInfo&, BuildTask&)) {
    const Napi::Env env = info.Env();
    Addon& addon = *static_cast<Addon*>(info.Data());
    try {
        BuildTask task;
        task.kernels = addon.kernels;
        if (fill(info, task)) {
            auto* worker = new BuildWorker(env, addon, std::move(task));
            const Napi::Promise promise = worker->promise();
            worker->Queue();
            return promise;
        }
    } catch (const std::bad_alloc&) {
        throw_status(env, Status::kOutOfMemory);
    }
    return rejection(env);
}

struct SearchTask {
    std::unique_ptr<FlatBatch> batch;
    std::vector<float> queries;
    size_t k = 0;
    size_t threads = 0;
    std::vector<uint32_t> ids;
    std::vector<float> products;
    Status status = Status::kOk;

    void run() {
        // More than typed arrays hold.
        constexpr size_t kMostResults = size_t{1} << 32;
        const size_t count = queries.size() / batch->dimension();
        status = Status::kOutOfMemory;
        if (count * batch->found(k) > kMostResults) return;
        try {
            ids.resize(count * batch->found(k));
            products.resize(ids.size());
            status = batch->run(queries.data(), count, k, threads, ids.data(), products.data());
        } catch (const std::bad_alloc&) {
        }
    }
};

// Destroyed on the event loop's thread like every worker, and with it the snapshot.
class SearchWorker : public Napi::AsyncWorker {
  public:
    SearchWorker(Napi::Env env, SearchTask&& task)
        : Napi::AsyncWorker(env, "llm_cache.FlatIndex.searchMany"),
          task_(std::move(task)),
          outcome_(env, "FlatIndex.searchMany failed") {}

    Napi::Promise promise() const { return outcome_.promise(); }

    void Execute() override { task_.run(); }

    void OnOK() override {
        if (task_.status != Status::kOk) return outcome_.reject(task_.status);
        const size_t length = task_.ids.size();
        Napi::Uint32Array ids = Napi::Uint32Array::New(Env(), length);
        if (ids.IsEmpty()) return outcome_.reject_pending(Env());
        Napi::Float32Array products = Napi::Float32Array::New(Env(), length);
        if (products.IsEmpty()) return outcome_.reject_pending(Env());
        std::copy(task_.ids.begin(), task_.ids.end(), ids.Data());
        std::copy(task_.products.begin(), task_.products.end(), products.Data());
        Napi::Object result = Napi::Object::New(Env());
        result.Set("count", static_cast<double>(task_.batch->found(task_.k)));
        result.Set("ids", ids);
        result.Set("products", products);
        outcome_.resolve(result);
    }

  private:
    SearchTask task_;
    Outcome outcome_;
};

// Copies the arguments; throws and returns false when they do not fit together.
bool fill_search_task(const Napi::CallbackInfo& info, FlatIndex& index, SearchTask& task) {
    const Napi::Env env = info.Env();
    Span<float> queries;
    uint32_t partition = 0;
    uint32_t k = 0;
    uint32_t threads = 0;
    if (!get_floats(env, info[0], "queries", queries) ||
        !get_uint32(env, info[1], "partition", 0, partition) ||
        !get_uint32(env, info[2], "k", 1, k) || !get_uint32(env, info[3], "threads", 1, threads) ||
        !check_length(env, "queries", queries.length / index.dimension() * index.dimension(),
                      queries.length)) {
        return false;
    }
    task.queries.assign(queries.data, queries.data + queries.length);
    task.k = k;
    task.threads = threads;
    task.batch = index.batch(partition, task.status);
    if (task.batch == nullptr) throw_status(env, task.status);
    return task.batch != nullptr;
}

}  // namespace

Napi::Value build_flat_off_thread(const Napi::CallbackInfo& info) { return start(info, fill_task); }

Napi::Value map_flat_off_thread(const Napi::CallbackInfo& info) {
    return start(info, fill_map_task);
}

Napi::Value search_off_thread(const Napi::CallbackInfo& info, FlatIndex& index) {
    const Napi::Env env = info.Env();
    try {
        SearchTask task;
        if (fill_search_task(info, index, task)) {
            auto* worker = new SearchWorker(env, std::move(task));
            const Napi::Promise promise = worker->promise();
            worker->Queue();
            return promise;
        }
    } catch (const std::bad_alloc&) {
        throw_status(env, Status::kOutOfMemory);
    }
    return rejection(env);
}

}  // namespace llm_cache
