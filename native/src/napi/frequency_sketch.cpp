// The class FrequencySketch of the exports. Fingerprints come as pairs of 32-bit words, high before
// low: a bigint would cost more than the sketch.
#include "../frequency_sketch.hpp"

#include "addon.hpp"
#include "arguments.hpp"
#include "errors.hpp"

namespace llm_cache {
namespace {

uint64_t fingerprint_of(uint32_t high, uint32_t low) { return uint64_t{high} << 32 | low; }

class JsFrequencySketch : public Napi::ObjectWrap<JsFrequencySketch> {
  public:
    static constexpr napi_type_tag kTag = {0x6c6c6d2d63616368, 2};

    static Napi::Function define(Napi::Env env) {
        return DefineClass(
            env, "FrequencySketch",
            {
                checked_accessor<JsFrequencySketch, &JsFrequencySketch::JsBytes>("bytes"),
                checked_accessor<JsFrequencySketch, &JsFrequencySketch::JsSamples>("samples"),
                InstanceMethod<&JsFrequencySketch::JsAdd>("add", napi_default_method),
                InstanceMethod<&JsFrequencySketch::JsEstimate>("estimate", napi_default_method),
                InstanceMethod<&JsFrequencySketch::JsHalve>("halve", napi_default_method),
                InstanceMethod<&JsFrequencySketch::JsClear>("clear", napi_default_method),
            });
    }

    explicit JsFrequencySketch(const Napi::CallbackInfo& info)
        : Napi::ObjectWrap<JsFrequencySketch>(info) {
        napi_type_tag_object(info.Env(), info.This(), &kTag);
        const Napi::Env env = info.Env();
        uint32_t capacity = 0;
        uint32_t counter_bits = 0;
        Span<uint32_t> words;
        if (!get_uint32(env, info[0], "capacity", 1, capacity) ||
            !get_uint32(env, info[1], "counterBits", 1, counter_bits) ||
            !get_words(env, info[2], "multipliers", words) ||
            !check_length(env, "multipliers", 2 * kSketchRows, words.length)) {
            return;
        }
        FrequencySketch::Multipliers multipliers;
        for (size_t row = 0; row < kSketchRows; ++row) {
            multipliers[row] = fingerprint_of(words.data[2 * row], words.data[2 * row + 1]);
        }
        Status status = Status::kOk;
        sketch_ = FrequencySketch::create(capacity, counter_bits, multipliers, status);
        if (!sketch_) {
            throw_status(env, status);
            return;
        }
        reported_ = static_cast<int64_t>(sketch_->bytes());
        Napi::MemoryManagement::AdjustExternalMemory(env, reported_);
    }

    ~JsFrequencySketch() override {
        Napi::MemoryManagement::AdjustExternalMemory(Env(), -reported_);
    }

  private:
    Napi::Value JsBytes(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(sketch_->bytes()));
    }

    Napi::Value JsSamples(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(sketch_->samples()));
    }

    Napi::Value JsAdd(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<uint32_t> fingerprints;
        uint32_t count = 0;
        Span<uint32_t> counts;
        if (!get_words(env, info[0], "fingerprints", fingerprints) ||
            !get_uint32(env, info[1], "count", 0, count)) {
            return {};
        }
        const bool wanted = !info[2].IsUndefined();
        if (wanted && !get_words(env, info[2], "counts", counts)) return {};
        if (fingerprints.length / 2 < count || (wanted && counts.length < count)) {
            throw_error(env, kArgumentCode,
                        "fingerprints and counts must hold as many as count says");
            return {};
        }
        for (size_t i = 0; i < count; ++i) {
            const uint32_t seen = sketch_->add(
                fingerprint_of(fingerprints.data[2 * i], fingerprints.data[2 * i + 1]));
            if (wanted) counts.data[i] = seen;
        }
        return env.Undefined();
    }

    Napi::Value JsEstimate(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        uint32_t high = 0;
        uint32_t low = 0;
        if (!get_uint32(env, info[0], "high", 0, high) ||
            !get_uint32(env, info[1], "low", 0, low)) {
            return {};
        }
        return Napi::Number::New(env, sketch_->estimate(fingerprint_of(high, low)));
    }

    Napi::Value JsHalve(const Napi::CallbackInfo& info) {
        sketch_->halve();
        return info.Env().Undefined();
    }

    Napi::Value JsClear(const Napi::CallbackInfo& info) {
        sketch_->clear();
        return info.Env().Undefined();
    }

    std::unique_ptr<FrequencySketch> sketch_;
    int64_t reported_ = 0;
};

}  // namespace

void export_frequency_sketch(Napi::Env env, Napi::Object exports) {
    exports.Set("FrequencySketch", JsFrequencySketch::define(env));
}

}  // namespace llm_cache
