// Training and encoding off the event loop; only product_quantiser.cpp includes it.
#pragma once

#include <memory>

#include "../pq.hpp"
#include "addon.hpp"

namespace llm_cache {

/// @brief Reads the arguments dimension, m and nbits; throws and returns false when there is no
/// such quantiser.
bool get_shape(const Napi::CallbackInfo& info, PqShape& shape);

/// @brief Copies the vectors and encodes them; a promise of a Uint8Array of the codes.
Napi::Value encode_off_thread(Napi::Env env, std::shared_ptr<const ProductQuantiser> quantiser,
                              const float* vectors, size_t rows);

/// @brief train(dimension, m, nbits, vectors, iterations, seed, threads, onProgress) of the class:
/// an object with `promise` and `cancel`.
Napi::Value train_off_thread(const Napi::CallbackInfo& info, Addon& addon);

}  // namespace llm_cache
