// The flat index's work off the event loop; only napi/flat_index.cpp includes it.
#pragma once

#include "../flat_index.hpp"
#include "addon.hpp"

namespace llm_cache {

/// @brief The argument `bits` of a component as it is kept: 32, 16 or 8, 32 when left out. Throws
/// ERR_LLM_CACHE_ARGUMENT and returns false.
bool get_storage(Napi::Env env, const Napi::Value& value, Storage& storage);

/// @brief build(dimension, ids, partitions, vectors, bits) of the class: a promise of an index. The
/// callback data is the addon.
Napi::Value build_flat_off_thread(const Napi::CallbackInfo& info);

/// @brief map(path, dimension, checksum) of the class: a promise of an index over a file.
Napi::Value map_flat_off_thread(const Napi::CallbackInfo& info);

/// @brief searchMany(queries, partition, k, threads) of an index: copies the queries and takes a
/// snapshot of the rows; a promise of { count, ids, products }.
Napi::Value search_off_thread(const Napi::CallbackInfo& info, FlatIndex& index);

}  // namespace llm_cache
