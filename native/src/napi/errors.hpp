// The two ways an error reaches JavaScript: by Status, or by a code and a text; only
// native/src/napi includes it.
#pragma once

#include <node_api.h>

#include "../status.hpp"

namespace llm_cache {

constexpr char kArgumentCode[] = "ERR_LLM_CACHE_ARGUMENT";
constexpr char kDimensionCode[] = "ERR_LLM_CACHE_DIMENSION";
constexpr char kNativeCode[] = "ERR_LLM_CACHE_NATIVE";

/// @brief Throws an Error with `.code`, unless an exception is on its way already.
void throw_error(napi_env env, const char* code, const char* message);

/// @brief The same for an outcome of the core.
void throw_status(napi_env env, Status status);

/// @brief Throws what Node-API reported last, as ERR_LLM_CACHE_NATIVE; false when the status is
/// good.
bool failed(napi_env env, napi_status status);

}  // namespace llm_cache
