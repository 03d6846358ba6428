// State of the addon in one environment, and the functions each file of native/src/napi adds to the
// exports.
#pragma once

#include <napi.h>

#include <memory>

#include "../kernels/kernels.hpp"
#include "../pq.hpp"
#include "../sha256/sha256.hpp"
#include "../state/flat_state.hpp"
#include "../state/ivf_state.hpp"
#include "errors.hpp"

namespace llm_cache {

/// @brief What one environment (the main thread or a worker) holds; Node deletes it with the
/// environment.
struct Addon {
    const Kernels* kernels = nullptr;
    const Sha256Implementation* sha256 = nullptr;
    Napi::FunctionReference flat_index_class;
    /// An index built off the thread, on its way into the object that the class's constructor is
    /// making.
    FlatFile built;
    Napi::FunctionReference product_quantiser_class;
    /// The same for a quantiser.
    std::unique_ptr<ProductQuantiser> trained;
    Napi::FunctionReference ivf_index_class;
    /// The same for inverted lists.
    IvfPart listed;
};

/// @brief Adds a function, with the addon as its callback data.
void export_function(Napi::Env env, Napi::Object exports, const char* name, napi_callback callback,
                     Addon& addon);

/// @brief A read-only property of a wrapped class. Node-API checks the receiver of methods but not
/// of accessors, so one taken from its class and called on another object would read foreign
/// memory: this one refuses any object that the class's constructor has not marked with T::kTag.
template <typename T, Napi::Value (T::*kGet)(const Napi::CallbackInfo&)>
napi_property_descriptor checked_accessor(const char* name) {
    napi_property_descriptor property = {};
    property.utf8name = name;
    property.attributes = napi_default;
    property.getter = [](napi_env env, napi_callback_info raw) -> napi_value {
        const Napi::CallbackInfo info(env, raw);
        bool is_own = false;
        if (napi_check_object_type_tag(env, info.This(), &T::kTag, &is_own) != napi_ok || !is_own) {
            throw_error(env, kArgumentCode, "the property belongs to objects of another class");
            return nullptr;
        }
        return (T::Unwrap(info.This().As<Napi::Object>())->*kGet)(info);
    };
    return property;
}

void export_hash(Napi::Env env, Napi::Object exports, Addon& addon);
void export_distance(Napi::Env env, Napi::Object exports, Addon& addon);
void export_flat_index(Napi::Env env, Napi::Object exports, Addon& addon);
void export_state_writer(Napi::Env env, Napi::Object exports);
void export_frequency_sketch(Napi::Env env, Napi::Object exports);
void export_ivf_index(Napi::Env env, Napi::Object exports, Addon& addon);
void export_product_quantiser(Napi::Env env, Napi::Object exports, Addon& addon);

}  // namespace llm_cache
