// Lists behind an object of the class IvfIndex, for the files of native/src/napi that keep them.
#pragma once

#include "../state/ivf_state.hpp"
#include "addon.hpp"

namespace llm_cache {

/// @brief Fills in all but the partition. @return false with an exception where the value is no
/// IvfIndex.
bool get_part(Napi::Env env, Napi::Value value, IvfPart& part);

/// @brief An object over lists; empty with an exception on its way when none can be made.
Napi::Object new_ivf_index(Addon& addon, IvfPart part);

}  // namespace llm_cache
