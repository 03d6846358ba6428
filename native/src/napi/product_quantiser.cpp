// The class ProductQuantiser of the exports; its work off the event loop stands in pq_workers.cpp.
#include <new>

#include "../pq.hpp"
#include "addon.hpp"
#include "arguments.hpp"
#include "errors.hpp"
#include "outcome.hpp"
#include "pq_workers.hpp"

namespace llm_cache {
namespace {

class JsProductQuantiser : public Napi::ObjectWrap<JsProductQuantiser> {
  public:
    static constexpr napi_type_tag kTag = {0x6c6c6d2d63616368, 3};

    using Self = JsProductQuantiser;

    static Napi::Function define(Napi::Env env, Addon& addon) {
        return DefineClass(
            env, "ProductQuantiser",
            {
                checked_accessor<Self, &Self::JsDimension>("dimension"),
                checked_accessor<Self, &Self::JsParts>("m"),
                checked_accessor<Self, &Self::JsBits>("nbits"),
                checked_accessor<Self, &Self::JsCodeBytes>("codeBytes"),
                checked_accessor<Self, &Self::JsBytes>("bytes"),
                InstanceMethod<&Self::JsCodebooks>("codebooks", napi_default_method),
                InstanceMethod<&Self::JsEncode>("encode", napi_default_method),
                InstanceMethod<&Self::JsEncodeMany>("encodeMany", napi_default_method),
                InstanceMethod<&Self::JsDecode>("decode", napi_default_method),
                InstanceMethod<&Self::JsProductTable>("productTable", napi_default_method),
                InstanceMethod<&Self::JsDistanceTable>("distanceTable", napi_default_method),
                InstanceMethod<&Self::JsPack>("pack", napi_default_method),
                InstanceMethod<&Self::JsScan>("scan", napi_default_method),
                InstanceMethod<&Self::JsScanError>("scanError", napi_default_method),
                StaticMethod<&Self::JsTrain>("train", napi_default_method, &addon),
            },
            &addon);
    }

    explicit JsProductQuantiser(const Napi::CallbackInfo& info)
        : Napi::ObjectWrap<JsProductQuantiser>(info) {
        napi_type_tag_object(info.Env(), info.This(), &kTag);
        Addon& addon = *static_cast<Addon*>(info.Data());
        quantiser_ = std::move(addon.trained);
        if (!quantiser_) quantiser_ = from_codebooks(info, *addon.kernels);
        if (!quantiser_) return;
        reported_ = static_cast<int64_t>(quantiser_->bytes());
        Napi::MemoryManagement::AdjustExternalMemory(info.Env(), reported_);
    }

    ~JsProductQuantiser() override {
        Napi::MemoryManagement::AdjustExternalMemory(Env(), -reported_);
    }

  private:
    const PqShape& shape() const { return quantiser_->shape(); }

    static std::unique_ptr<ProductQuantiser> from_codebooks(const Napi::CallbackInfo& info,
                                                            const Kernels& kernels) {
        const Napi::Env env = info.Env();
        PqShape shape;
        Span<float> codebooks;
        if (!get_shape(info, shape) || !get_floats(env, info[3], "codebooks", codebooks) ||
            !check_length(env, "codebooks", shape.codebook_length(), codebooks.length)) {
            return nullptr;
        }
        Status status;
        auto made = ProductQuantiser::create(kernels, shape, codebooks.data, status);
        if (!made) throw_status(env, status);
        return made;
    }

    // The number of rows in `length` elements of `unit` each; throws when there is a rest.
    static bool rows_in(Napi::Env env, const char* name, size_t length, size_t unit, size_t& rows) {
        rows = length / unit;
        return check_length(env, name, rows * unit, length);
    }

    static Napi::Value result(Napi::Env env, Status status) {
        if (status != Status::kOk) {
            throw_status(env, status);
            return {};
        }
        return env.Undefined();
    }

    static Napi::Value number(const Napi::CallbackInfo& info, size_t value) {
        return Napi::Number::New(info.Env(), static_cast<double>(value));
    }

    Napi::Value JsDimension(const Napi::CallbackInfo& info) {
        return number(info, shape().dimension);
    }
    Napi::Value JsParts(const Napi::CallbackInfo& info) { return number(info, shape().m); }
    Napi::Value JsBits(const Napi::CallbackInfo& info) { return number(info, shape().nbits); }
    Napi::Value JsCodeBytes(const Napi::CallbackInfo& info) {
        return number(info, shape().code_bytes());
    }
    Napi::Value JsBytes(const Napi::CallbackInfo& info) {
        return number(info, quantiser_->bytes());
    }

    Napi::Value JsCodebooks(const Napi::CallbackInfo& info) {
        Napi::Float32Array out = Napi::Float32Array::New(info.Env(), shape().codebook_length());
        if (out.IsEmpty()) return {};
        quantiser_->read_codebooks(out.Data());
        return out;
    }

    Napi::Value JsEncode(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<float> vectors;
        Span<uint8_t> codes;
        size_t rows = 0;
        if (!get_floats(env, info[0], "vectors", vectors) ||
            !get_bytes(env, info[1], "codes", codes) ||
            !rows_in(env, "vectors", vectors.length, shape().dimension, rows) ||
            !check_length(env, "codes", rows * shape().code_bytes(), codes.length)) {
            return {};
        }
        return result(env, quantiser_->encode(vectors.data, rows, codes.data));
    }

    Napi::Value JsEncodeMany(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<float> vectors;
        size_t rows = 0;
        if (!get_floats(env, info[0], "vectors", vectors) ||
            !rows_in(env, "vectors", vectors.length, shape().dimension, rows)) {
            return rejection(env);
        }
        return encode_off_thread(env, quantiser_, vectors.data, rows);
    }

    Napi::Value JsDecode(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<uint8_t> codes;
        Span<float> vectors;
        size_t rows = 0;
        if (!get_bytes(env, info[0], "codes", codes) ||
            !get_floats(env, info[1], "vectors", vectors) ||
            !rows_in(env, "codes", codes.length, shape().code_bytes(), rows) ||
            !check_length(env, "vectors", rows * shape().dimension, vectors.length)) {
            return {};
        }
        quantiser_->decode(codes.data, rows, vectors.data);
        return env.Undefined();
    }

    Napi::Value make_table(const Napi::CallbackInfo& info, TableKind kind) {
        const Napi::Env env = info.Env();
        Span<float> query;
        Span<float> table;
        if (!get_floats(env, info[0], "query", query) ||
            !get_floats(env, info[1], "table", table) ||
            !check_length(env, "query", shape().dimension, query.length) ||
            !check_length(env, "table", shape().table_length(), table.length)) {
            return {};
        }
        return result(env, quantiser_->make_table(query.data, kind, table.data));
    }

    Napi::Value JsProductTable(const Napi::CallbackInfo& info) {
        return make_table(info, TableKind::kInnerProduct);
    }
    Napi::Value JsDistanceTable(const Napi::CallbackInfo& info) {
        return make_table(info, TableKind::kSquaredL2);
    }

    Napi::Value JsPack(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<uint8_t> codes;
        size_t rows = 0;
        if (!get_bytes(env, info[0], "codes", codes) ||
            !rows_in(env, "codes", codes.length, shape().code_bytes(), rows)) {
            return {};
        }
        const size_t blocks = (rows + kCodeRows - 1) / kCodeRows;
        Napi::Uint8Array out = Napi::Uint8Array::New(env, blocks * shape().block_bytes());
        if (out.IsEmpty()) return {};
        quantiser_->pack(codes.data, rows, out.Data());
        return out;
    }

    Napi::Value JsScan(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<float> table;
        Span<uint8_t> blocks;
        Span<float> out;
        size_t count = 0;
        if (!get_floats(env, info[0], "table", table) ||
            !get_bytes(env, info[1], "blocks", blocks) || !get_floats(env, info[2], "out", out) ||
            !check_length(env, "table", shape().table_length(), table.length) ||
            !rows_in(env, "blocks", blocks.length, shape().block_bytes(), count) ||
            !check_length(env, "out", count * kCodeRows, out.length)) {
            return {};
        }
        return result(env, quantiser_->scan(table.data, blocks.data, count, out.data));
    }

    Napi::Value JsScanError(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<float> table;
        if (!get_floats(env, info[0], "table", table) ||
            !check_length(env, "table", shape().table_length(), table.length)) {
            return {};
        }
        return Napi::Number::New(env, quantiser_->scan_error(table.data));
    }

    static Napi::Value JsTrain(const Napi::CallbackInfo& info) {
        return train_off_thread(info, *static_cast<Addon*>(info.Data()));
    }

    // Shared with the work off the thread, which may outlive this object.
    std::shared_ptr<const ProductQuantiser> quantiser_;
    int64_t reported_ = 0;
};

}  // namespace

void export_product_quantiser(Napi::Env env, Napi::Object exports, Addon& addon) {
    const Napi::Function constructor = JsProductQuantiser::define(env, addon);
    addon.product_quantiser_class = Napi::Persistent(constructor);
    exports.Set("ProductQuantiser", constructor);
}

}  // namespace llm_cache
