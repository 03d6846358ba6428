// State of the addon in one environment, and the functions each file of native/src/napi adds to the
// exports.
#pragma once

#include <napi.h>

#include <memory>

#include "../kernels/kernels.hpp"
#include "../pq.hpp"
#include "../sha256/sha256.hpp"
#include "../state/flat_state.hpp"

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
};

/// @brief Adds a function, with the addon as its callback data.
void export_function(Napi::Env env, Napi::Object exports, const char* name, napi_callback callback,
                     Addon& addon);

void export_hash(Napi::Env env, Napi::Object exports, Addon& addon);
void export_distance(Napi::Env env, Napi::Object exports, Addon& addon);
void export_flat_index(Napi::Env env, Napi::Object exports, Addon& addon);
void export_flat_state(Napi::Env env, Napi::Object exports);
void export_frequency_sketch(Napi::Env env, Napi::Object exports);
void export_product_quantiser(Napi::Env env, Napi::Object exports, Addon& addon);

}  // namespace llm_cache
