// The class FlatIndex of the exports.
#include "../flat_index.hpp"

#include <cstring>
#include <new>

#include "addon.hpp"
#include "arguments.hpp"
#include "errors.hpp"
#include "flat_workers.hpp"
#include "results.hpp"

namespace llm_cache {
namespace {

class JsFlatIndex : public Napi::ObjectWrap<JsFlatIndex> {
  public:
    static constexpr napi_type_tag kTag = {0x6c6c6d2d63616368, 1};

    static Napi::Function define(Napi::Env env, Addon& addon) {
        return DefineClass(
            env, "FlatIndex",
            {
                checked_accessor<JsFlatIndex, &JsFlatIndex::JsSize>("size"),
                checked_accessor<JsFlatIndex, &JsFlatIndex::JsDimension>("dimension"),
                checked_accessor<JsFlatIndex, &JsFlatIndex::JsBytes>("bytes"),
                checked_accessor<JsFlatIndex, &JsFlatIndex::JsLastRescored>("lastRescored"),
                InstanceMethod<&JsFlatIndex::JsSet>("set", napi_default_method),
                InstanceMethod<&JsFlatIndex::JsSetMany>("setMany", napi_default_method),
                InstanceMethod<&JsFlatIndex::JsRemove>("remove", napi_default_method),
                InstanceMethod<&JsFlatIndex::JsHas>("has", napi_default_method),
                InstanceMethod<&JsFlatIndex::JsRead>("read", napi_default_method),
                InstanceMethod<&JsFlatIndex::JsSearch>("search", napi_default_method),
                InstanceMethod<&JsFlatIndex::JsSearchMany>("searchMany", napi_default_method),
                InstanceMethod<&JsFlatIndex::JsClear>("clear", napi_default_method),
                checked_accessor<JsFlatIndex, &JsFlatIndex::JsNameCount>("nameCount"),
                InstanceMethod<&JsFlatIndex::JsNameAt>("nameAt", napi_default_method),
                InstanceMethod<&JsFlatIndex::JsFindName>("findName", napi_default_method),
                InstanceMethod<&JsFlatIndex::JsPartitionSize>("partitionSize", napi_default_method),
                InstanceMethod<&JsFlatIndex::JsPartitionOf>("partitionOf", napi_default_method),
                InstanceMethod<&JsFlatIndex::JsPartitions>("partitions", napi_default_method),
                InstanceMethod<&JsFlatIndex::JsIdsIn>("idsIn", napi_default_method),
                StaticMethod<&build_flat_off_thread>("build", napi_default_method, &addon),
                StaticMethod<&map_flat_off_thread>("map", napi_default_method, &addon),
            },
            &addon);
    }

    explicit JsFlatIndex(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsFlatIndex>(info) {
        napi_type_tag_object(info.Env(), info.This(), &kTag);
        Addon& addon = *static_cast<Addon*>(info.Data());
        ground_ = std::move(addon.built.ground);
        names_ = addon.built.names;
        index_ = std::move(addon.built.index);
        addon.built = {};
        if (!index_) {
            Status status;
            const double dimension =
                info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
            index_ = FlatIndex::create(*addon.kernels, dimension, status);
            if (!index_) {
                throw_status(info.Env(), status);
                return;
            }
        }
        settle(info.Env());
    }

    ~JsFlatIndex() override { Napi::MemoryManagement::AdjustExternalMemory(Env(), -reported_); }

  private:
    Napi::Value JsNameCount(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(names_.size()));
    }

    Napi::Value JsNameAt(const Napi::CallbackInfo& info) {
        uint32_t number = 0;
        if (!get_uint32(info.Env(), info[0], "number", 0, number)) return {};
        if (number >= names_.size()) return info.Env().Undefined();
        size_t length = 0;
        const uint8_t* name = names_.at(number, length);
        napi_value text;
        const auto* letters = reinterpret_cast<const char*>(name);
        if (failed(info.Env(), napi_create_string_latin1(info.Env(), letters, length, &text))) {
            return {};
        }
        return {info.Env(), text};
    }

    Napi::Value JsFindName(const Napi::CallbackInfo& info) {
        Span<uint8_t> name;
        if (!get_bytes(info.Env(), info[0], "name", name)) return {};
        const size_t number = names_.find(name.data, name.length);
        if (number == names_.size()) return info.Env().Undefined();
        return Napi::Number::New(info.Env(), static_cast<double>(number));
    }

    Napi::Value JsPartitionSize(const Napi::CallbackInfo& info) {
        uint32_t partition = 0;
        if (!get_uint32(info.Env(), info[0], "partition", 0, partition)) return {};
        const size_t rows = index_->partition_size(partition);
        return Napi::Number::New(info.Env(), static_cast<double>(rows));
    }

    Napi::Value JsPartitionOf(const Napi::CallbackInfo& info) {
        uint32_t id = 0;
        if (!get_uint32(info.Env(), info[0], "id", 0, id)) return {};
        const uint32_t partition = index_->partition_of(id);
        if (partition == kReservedNumber) return info.Env().Undefined();
        return Napi::Number::New(info.Env(), partition);
    }

    Napi::Value JsPartitions(const Napi::CallbackInfo& info) {
        return numbers(info.Env(), [&](std::vector<uint32_t>& out) { index_->partitions(out); });
    }

    Napi::Value JsIdsIn(const Napi::CallbackInfo& info) {
        uint32_t partition = 0;
        if (!get_uint32(info.Env(), info[0], "partition", 0, partition)) return {};
        return numbers(info.Env(),
                       [&](std::vector<uint32_t>& out) { index_->ids_in(partition, out); });
    }

    template <typename Give>
    static Napi::Value numbers(Napi::Env env, const Give& give) {
        std::vector<uint32_t> given;
        try {
            give(given);
        } catch (const std::bad_alloc&) {
            return refuse(env, Status::kOutOfMemory);
        }
        return new_words(env, given);
    }

    Napi::Value JsSize(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(index_->size()));
    }

    Napi::Value JsDimension(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(index_->dimension()));
    }

    Napi::Value JsBytes(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(index_->bytes()));
    }

    Napi::Value JsLastRescored(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(index_->last_rescored()));
    }

    Napi::Value JsSet(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        uint32_t id = 0;
        uint32_t partition = 0;
        Span<float> vector;
        if (!get_uint32(env, info[0], "id", 0, id) ||
            !get_uint32(env, info[1], "partition", 0, partition) ||
            !get_vector(env, info[2], "vector", vector)) {
            return {};
        }
        bool is_new = false;
        const Status status = index_->set(id, partition, vector.data, is_new);
        settle(env);
        if (status != Status::kOk) return refuse(env, status);
        return Napi::Boolean::New(env, is_new);
    }

    Napi::Value JsSetMany(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<uint32_t> ids;
        uint32_t partition = 0;
        Span<float> vectors;
        if (!get_words(env, info[0], "ids", ids) ||
            !get_uint32(env, info[1], "partition", 0, partition) ||
            !get_floats(env, info[2], "vectors", vectors) ||
            !check_length(env, "vectors", ids.length * index_->dimension(), vectors.length)) {
            return {};
        }
        const Status status = index_->set_many(ids.length, ids.data, partition, vectors.data);
        settle(env);
        if (status != Status::kOk) return refuse(env, status);
        return env.Undefined();
    }

    Napi::Value JsRemove(const Napi::CallbackInfo& info) {
        uint32_t id = 0;
        if (!get_uint32(info.Env(), info[0], "id", 0, id)) return {};
        bool removed = false;
        const Status status = index_->remove(id, removed);
        settle(info.Env());
        if (status != Status::kOk) return refuse(info.Env(), status);
        return Napi::Boolean::New(info.Env(), removed);
    }

    Napi::Value JsHas(const Napi::CallbackInfo& info) {
        uint32_t id = 0;
        if (!get_uint32(info.Env(), info[0], "id", 0, id)) return {};
        return Napi::Boolean::New(info.Env(), index_->has(id));
    }

    Napi::Value JsRead(const Napi::CallbackInfo& info) {
        uint32_t id = 0;
        Span<float> out;
        if (!get_uint32(info.Env(), info[0], "id", 0, id) ||
            !get_vector(info.Env(), info[1], "out", out)) {
            return {};
        }
        const float* row = index_->read(id);
        if (row != nullptr) std::memcpy(out.data, row, out.length * sizeof(float));
        return Napi::Boolean::New(info.Env(), row != nullptr);
    }

    Napi::Value JsSearch(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<float> vector;
        uint32_t partition = 0;
        uint32_t k = 0;
        Span<uint32_t> ids;
        Span<float> products;
        if (!get_vector(env, info[0], "vector", vector) ||
            !get_uint32(env, info[1], "partition", 0, partition) ||
            !get_uint32(env, info[2], "k", 1, k) || !get_words(env, info[3], "ids", ids) ||
            !get_floats(env, info[4], "products", products)) {
            return {};
        }
        if (ids.length < k || products.length < k) {
            throw_error(env, kArgumentCode, "ids and products must have room for k results");
            return {};
        }
        size_t count = 0;
        const Status status =
            index_->search(vector.data, partition, k, ids.data, products.data, count);
        settle(env);
        if (status != Status::kOk) return refuse(env, status);
        return Napi::Number::New(env, static_cast<double>(count));
    }

    Napi::Value JsSearchMany(const Napi::CallbackInfo& info) {
        return search_off_thread(info, *index_);
    }

    Napi::Value JsClear(const Napi::CallbackInfo& info) {
        uint32_t partition = 0;
        if (info[0].IsUndefined()) {
            index_->clear();
        } else {
            if (!get_uint32(info.Env(), info[0], "partition", 0, partition)) return {};
            index_->clear(partition);
        }
        settle(info.Env());
        return info.Env().Undefined();
    }

    bool get_vector(napi_env env, napi_value value, const char* name, Span<float>& out) {
        return get_floats(env, value, name, out) &&
               check_length(env, name, index_->dimension(), out.length);
    }

    static Napi::Value refuse(napi_env env, Status status) {
        throw_status(env, status);
        return {};
    }

    // Tells the garbage collector what the object really weighs.
    void settle(Napi::Env env) {
        const int64_t bytes = static_cast<int64_t>(index_->bytes());
        if (bytes == reported_) return;
        Napi::MemoryManagement::AdjustExternalMemory(env, bytes - reported_);
        reported_ = bytes;
    }

    std::unique_ptr<FlatIndex> index_;
    // Of the file that the index was mapped from, if any; they stay when the index is cleared.
    std::shared_ptr<uint8_t> ground_;
    Names names_;
    int64_t reported_ = 0;
};

}  // namespace

void export_flat_index(Napi::Env env, Napi::Object exports, Addon& addon) {
    const Napi::Function constructor = JsFlatIndex::define(env, addon);
    addon.flat_index_class = Napi::Persistent(constructor);
    exports.Set("FlatIndex", constructor);
}

}  // namespace llm_cache
