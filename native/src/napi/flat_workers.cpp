// The tasks of the flat index: building, mapping, and searching for many queries.
#include "flat_workers.hpp"

#include <algorithm>
#include <new>

#include "arguments.hpp"
#include "results.hpp"
#include "worker.hpp"

namespace llm_cache {
namespace {

struct BuildTask {
    const Kernels* kernels = nullptr;
    double dimension = 0;
    Storage storage = Storage::kFloat32;
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
        index = FlatIndex::create(*kernels, dimension, status, storage);
        bool is_new = false;
        for (size_t i = 0; i < ids.size() && status == Status::kOk; ++i) {
            status =
                index->set(ids[i], partitions[i], vectors.data() + i * index->dimension(), is_new);
        }
        if (status != Status::kOk) index.reset();
        vectors = {};
    }
};

// An index, made by the class's constructor.
Napi::Value new_flat_index(Addon& addon, BuildTask& task) {
    addon.built = std::move(task.built);
    const Napi::Object object = addon.flat_index_class.New({});
    addon.built = {};
    return object;
}

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
        !get_floats(env, info[3], "vectors", vectors) || !get_storage(env, info[4], task.storage)) {
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
    return promise_of(env, [&]() -> Napi::Value {
        BuildTask task;
        task.kernels = addon.kernels;
        if (!fill(info, task)) return {};
        return run_off_thread(
            env, "FlatIndex.build", std::move(task),
            [&addon](Napi::Env, BuildTask& done) { return new_flat_index(addon, done); });
    });
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

Napi::Value new_results(Napi::Env env, SearchTask& task) {
    const Napi::Uint32Array ids = new_words(env, task.ids);
    if (ids.IsEmpty()) return {};
    Napi::Float32Array products = Napi::Float32Array::New(env, task.products.size());
    if (products.IsEmpty()) return {};
    std::copy(task.products.begin(), task.products.end(), products.Data());
    Napi::Object result = Napi::Object::New(env);
    result.Set("count", static_cast<double>(task.batch->found(task.k)));
    result.Set("ids", ids);
    result.Set("products", products);
    return result;
}

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

bool get_storage(Napi::Env env, const Napi::Value& value, Storage& storage) {
    storage = Storage::kFloat32;
    if (value.IsUndefined()) return true;
    uint32_t bits = 0;
    if (!get_uint32(env, value, "bits", 8, bits)) return false;
    if (bits == 16) storage = Storage::kFloat16;
    if (bits == 8) storage = Storage::kInt8;
    if (bits == 8 || bits == 16 || bits == 32) return true;
    throw_error(env, kArgumentCode, "bits must be 8, 16 or 32");
    return false;
}

Napi::Value build_flat_off_thread(const Napi::CallbackInfo& info) { return start(info, fill_task); }

Napi::Value map_flat_off_thread(const Napi::CallbackInfo& info) {
    return start(info, fill_map_task);
}

Napi::Value search_off_thread(const Napi::CallbackInfo& info, FlatIndex& index) {
    const Napi::Env env = info.Env();
    return promise_of(env, [&]() -> Napi::Value {
        SearchTask task;
        if (!fill_search_task(info, index, task)) return {};
        return run_off_thread(env, "FlatIndex.searchMany", std::move(task), &new_results);
    });
}

}  // namespace llm_cache
