// Errors by Node-API alone, without allocation of our own.
#include "errors.hpp"

namespace llm_cache {

void throw_error(napi_env env, const char* code, const char* message) {
    bool pending = false;
    if (napi_is_exception_pending(env, &pending) == napi_ok && pending) return;
    napi_throw_error(env, code, message);
}

void throw_status(napi_env env, Status status) {
    const StatusText text = status_text(status);
    throw_error(env, text.code, text.message);
}

bool failed(napi_env env, napi_status status) {
    if (status == napi_ok) return false;
    const napi_extended_error_info* info = nullptr;
    const bool known = napi_get_last_error_info(env, &info) == napi_ok && info != nullptr &&
                       info->error_message != nullptr;
    throw_error(env, kNativeCode, known ? info->error_message : "Node-API call failed");
    return true;
}

}  // namespace llm_cache
