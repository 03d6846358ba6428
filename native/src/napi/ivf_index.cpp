// The class IvfIndex of the exports: the rows of one partition in inverted lists.
#include "ivf_index.hpp"

#include <cmath>
#include <new>

#include "../ivfpq_build.hpp"
#include "../ivfpq_search.hpp"
#include "arguments.hpp"
#include "errors.hpp"
#include "ivf_workers.hpp"
#include "results.hpp"

namespace llm_cache {
namespace {

class JsIvfIndex : public Napi::ObjectWrap<JsIvfIndex> {
  public:
    static constexpr napi_type_tag kTag = {0x6c6c6d2d63616368, 0x6976662d696e6478};

    static Napi::Function define(Napi::Env env, Addon& addon) {
        return DefineClass(
            env, "IvfIndex",
            {
                checked_accessor<JsIvfIndex, &JsIvfIndex::JsSize>("size"),
                checked_accessor<JsIvfIndex, &JsIvfIndex::JsBytes>("bytes"),
                checked_accessor<JsIvfIndex, &JsIvfIndex::JsTrainingError>("trainingError"),
                checked_accessor<JsIvfIndex, &JsIvfIndex::JsRecentError>("recentError"),
                checked_accessor<JsIvfIndex, &JsIvfIndex::JsLearnt>("learnt"),
                checked_accessor<JsIvfIndex, &JsIvfIndex::JsSince>("setSince"),
                checked_accessor<JsIvfIndex, &JsIvfIndex::JsLists>("nlist"),
                checked_accessor<JsIvfIndex, &JsIvfIndex::JsScanned>("lastScanned"),
                InstanceMethod<&JsIvfIndex::JsSet>("set", napi_default_method),
                InstanceMethod<&JsIvfIndex::JsSetMany>("setMany", napi_default_method),
                InstanceMethod<&JsIvfIndex::JsRemove>("remove", napi_default_method),
                InstanceMethod<&JsIvfIndex::JsHas>("has", napi_default_method),
                InstanceMethod<&JsIvfIndex::JsRead>("read", napi_default_method),
                InstanceMethod<&JsIvfIndex::JsSearch>("search", napi_default_method),
                InstanceMethod<&JsIvfIndex::JsIds>("ids", napi_default_method),
                StaticMethod<&JsIvfIndex::JsBuild>("build", napi_default_method, &addon),
                StaticMethod<&JsIvfIndex::JsMap>("map", napi_default_method, &addon),
            },
            &addon);
    }

    explicit JsIvfIndex(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsIvfIndex>(info) {
        IvfPart& listed = static_cast<Addon*>(info.Data())->listed;
        lists_ = std::move(listed.lists);
        history_ = listed.history;
        if (!lists_) {
            throw_error(info.Env(), kArgumentCode, "IvfIndex.build and map make these objects");
            return;
        }
        napi_type_tag_object(info.Env(), info.This(), &kTag);
        settle(info.Env());
    }

    ~JsIvfIndex() override { Napi::MemoryManagement::AdjustExternalMemory(Env(), -reported_); }

    void share(IvfPart& part) const {
        part.lists = lists_;
        part.history = history_;
    }

  private:
    static Napi::Value JsMap(const Napi::CallbackInfo& info) {
        return map_ivf_off_thread(info, *static_cast<Addon*>(info.Data()));
    }
    static Napi::Value JsBuild(const Napi::CallbackInfo& info) {
        return build_off_thread(info, *static_cast<Addon*>(info.Data()));
    }

    Napi::Value JsSize(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(lists_->size()));
    }
    Napi::Value JsBytes(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(lists_->bytes()));
    }
    Napi::Value JsTrainingError(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), lists_->quantiser().error());
    }
    Napi::Value JsRecentError(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), history_.recent_error);
    }
    Napi::Value JsLearnt(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(history_.learnt));
    }
    Napi::Value JsSince(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(history_.since));
    }
    Napi::Value JsLists(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(),
                                 static_cast<double>(lists_->quantiser().shape().nlist));
    }
    Napi::Value JsScanned(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(search_.scanned));
    }

    Napi::Value JsSet(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        uint32_t id = 0;
        Span<float> vector;
        if (!get_id(env, info[0], id) || !get_vector(env, info[1], "vector", vector)) return {};
        return set(env, 1, 1, &id, vector.data);
    }

    Napi::Value JsSetMany(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<uint32_t> ids;
        Span<float> vectors;
        uint32_t threads = 0;
        if (!get_words(env, info[0], "ids", ids) || !get_floats(env, info[1], "vectors", vectors) ||
            !get_uint32(env, info[2], "threads", 1, threads) || !check_ids(env, ids) ||
            !check_length(env, "vectors", ids.length * lists_->format().dimension,
                          vectors.length)) {
            return {};
        }
        return set(env, threads, ids.length, ids.data, vectors.data);
    }

    Napi::Value set(Napi::Env env, size_t threads, size_t count, const uint32_t* ids,
                    const float* vectors) {
        if (count == 0) return env.Undefined();
        float error = 0;
        const Status status = set_rows(*lists_, threads, count, ids, vectors, batch_, error);
        settle(env);
        if (status != Status::kOk) return refuse(env, status);
        // The mean of the latest thousand or so.
        const double weight = 1 - std::pow(1 - 1.0 / 1024, static_cast<double>(count));
        double& mean = history_.recent_error;
        mean = mean < 0 ? error : mean + (error - mean) * weight;
        history_.since += count;
        return env.Undefined();
    }

    Napi::Value JsRemove(const Napi::CallbackInfo& info) {
        uint32_t id = 0;
        if (!get_id(info.Env(), info[0], id)) return {};
        const bool removed = lists_->remove(id);
        settle(info.Env());
        return Napi::Boolean::New(info.Env(), removed);
    }

    Napi::Value JsHas(const Napi::CallbackInfo& info) {
        uint32_t id = 0;
        if (!get_id(info.Env(), info[0], id)) return {};
        return Napi::Boolean::New(info.Env(), lists_->slot_of(id) != kReservedNumber);
    }

    Napi::Value JsIds(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        std::vector<uint32_t> ids;
        try {
            lists_->copy_ids(ids);
        } catch (const std::bad_alloc&) {
            return refuse(env, Status::kOutOfMemory);
        }
        return new_words(env, ids);
    }

    Napi::Value JsRead(const Napi::CallbackInfo& info) {
        uint32_t id = 0;
        Span<float> out;
        if (!get_id(info.Env(), info[0], id) || !get_vector(info.Env(), info[1], "out", out)) {
            return {};
        }
        try {
            return Napi::Boolean::New(info.Env(), lists_->read(id, scratch_, out.data));
        } catch (const std::bad_alloc&) {
            return refuse(info.Env(), Status::kOutOfMemory);
        }
    }

    Napi::Value JsSearch(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<float> vector;
        uint32_t k = 0;
        uint32_t nprobe = 0;
        uint32_t rescored = 0;
        Span<uint32_t> ids;
        Span<float> products;
        if (!get_vector(env, info[0], "vector", vector) || !get_uint32(env, info[1], "k", 1, k) ||
            !get_uint32(env, info[2], "nprobe", 1, nprobe) ||
            !get_uint32(env, info[3], "rescored", 0, rescored) ||
            !get_words(env, info[4], "ids", ids) ||
            !get_floats(env, info[5], "products", products)) {
            return {};
        }
        if (ids.length < k || products.length < k) {
            throw_error(env, kArgumentCode, "ids and products must have room for k results");
            return {};
        }
        const Status status = lists_->search({vector.data, 0, k, nprobe, rescored, {}}, search_);
        if (status != Status::kOk) return refuse(env, status);
        for (size_t i = 0; i < search_.hits.size(); ++i) {
            ids.data[i] = search_.hits[i].id;
            products.data[i] = search_.hits[i].product;
        }
        return Napi::Number::New(env, static_cast<double>(search_.hits.size()));
    }

    static bool get_id(napi_env env, napi_value value, uint32_t& id) {
        if (!get_uint32(env, value, "id", 0, id)) return false;
        if (id != kReservedNumber) return true;
        throw_error(env, kArgumentCode, "id must be below 2^32 - 1");
        return false;
    }

    bool get_vector(napi_env env, napi_value value, const char* name, Span<float>& out) {
        return get_floats(env, value, name, out) &&
               check_length(env, name, lists_->format().dimension, out.length);
    }

    static Napi::Value refuse(napi_env env, Status status) {
        throw_status(env, status);
        return {};
    }

    // Tells the garbage collector what the object really weighs.
    void settle(Napi::Env env) {
        const int64_t bytes = static_cast<int64_t>(lists_->bytes());
        if (bytes == reported_) return;
        Napi::MemoryManagement::AdjustExternalMemory(env, bytes - reported_);
        reported_ = bytes;
    }

    // Shared with a file that is being written.
    std::shared_ptr<IvfLists> lists_;
    IvfHistory history_;
    IvfSearch search_;
    IvfScratch scratch_;
    IvfBatch batch_;
    int64_t reported_ = 0;
};

}  // namespace

bool get_part(Napi::Env env, Napi::Value value, IvfPart& part) {
    bool is_own = false;
    if (!value.IsObject() ||
        napi_check_object_type_tag(env, value, &JsIvfIndex::kTag, &is_own) != napi_ok || !is_own) {
        throw_error(env, kArgumentCode, "lists must be an array of IvfIndex");
        return false;
    }
    JsIvfIndex::Unwrap(value.As<Napi::Object>())->share(part);
    return true;
}

Napi::Object new_ivf_index(Addon& addon, IvfPart part) {
    addon.listed = std::move(part);
    const Napi::Object object = addon.ivf_index_class.New({});
    addon.listed = {};
    return object;
}

void export_ivf_index(Napi::Env env, Napi::Object exports, Addon& addon) {
    const Napi::Function constructor = JsIvfIndex::define(env, addon);
    addon.ivf_index_class = Napi::Persistent(constructor);
    exports.Set("IvfIndex", constructor);
}

}  // namespace llm_cache
