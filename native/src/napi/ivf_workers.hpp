// Building of inverted lists off the event loop; only ivf_index.cpp includes it.
#pragma once

#include "addon.hpp"

namespace llm_cache {

/// @brief build(dimension, nlist, m, nbits, rescore, rotations, iterations, sample, seed, threads,
/// ids, vectors) of the class: an object with `promise` and `cancel`.
Napi::Value build_off_thread(const Napi::CallbackInfo& info, Addon& addon);

}  // namespace llm_cache
