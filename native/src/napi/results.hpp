// Results as typed arrays; the files of native/src/napi include it.
#pragma once

#include <napi.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace llm_cache {

/// @brief A copy of the numbers; empty with an exception on its way when there is no memory.
inline Napi::Uint32Array new_words(Napi::Env env, const std::vector<uint32_t>& numbers) {
    Napi::Uint32Array out = Napi::Uint32Array::New(env, numbers.size());
    if (!out.IsEmpty()) std::copy(numbers.begin(), numbers.end(), out.Data());
    return out;
}

}  // namespace llm_cache
