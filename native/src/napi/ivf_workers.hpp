// Building and mapping of inverted lists off the event loop; only ivf_index.cpp includes it.
#pragma once

#include "addon.hpp"

namespace llm_cache {

/// @brief build(dimension, nlist, m, nbits, rescore, rotations, iterations, sample, seed, threads,
/// rows, ids, vectors) of the class: an object with `promise` and `cancel`.
Napi::Value build_off_thread(const Napi::CallbackInfo& info, Addon& addon);

/// @brief map(path, dimension, checksum) of the class: a promise of an object with `flat`, a
/// FlatIndex with the names; `partitions` and `lists`, those in lists; and `vacant`, the names
/// without a row.
Napi::Value map_ivf_off_thread(const Napi::CallbackInfo& info, Addon& addon);

}  // namespace llm_cache
