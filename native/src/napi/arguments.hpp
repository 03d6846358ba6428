// Takes arguments from JavaScript apart and refuses what would not be safe; only native/src/napi
// includes it.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace llm_cache {

/// @brief The elements of a typed array. Valid until JavaScript runs again.
template <typename T>
struct Span {
    T* data = nullptr;
    size_t length = 0;
};

/// @brief The one place that looks into a typed array: its kind, its elements from the view's own
/// offset on, their number. Refuses (throws ERR_LLM_CACHE_ARGUMENT and returns false) other values,
/// detached arrays and shared memory, which another thread could change between check and use.
bool take_apart(napi_env env, napi_value value, napi_typedarray_type kind, const char* name,
                void*& data, size_t& length);

inline bool get_floats(napi_env env, napi_value value, const char* name, Span<float>& out) {
    void* data = nullptr;
    if (!take_apart(env, value, napi_float32_array, name, data, out.length)) return false;
    out.data = static_cast<float*>(data);
    return true;
}

inline bool get_words(napi_env env, napi_value value, const char* name, Span<uint32_t>& out) {
    void* data = nullptr;
    if (!take_apart(env, value, napi_uint32_array, name, data, out.length)) return false;
    out.data = static_cast<uint32_t*>(data);
    return true;
}

inline bool get_bytes(napi_env env, napi_value value, const char* name, Span<uint8_t>& out) {
    void* data = nullptr;
    if (!take_apart(env, value, napi_uint8_array, name, data, out.length)) return false;
    out.data = static_cast<uint8_t*>(data);
    return true;
}

inline bool get_codes(napi_env env, napi_value value, const char* name, Span<int8_t>& out) {
    void* data = nullptr;
    if (!take_apart(env, value, napi_int8_array, name, data, out.length)) return false;
    out.data = static_cast<int8_t*>(data);
    return true;
}

/// @brief An integer from `least` to 2^32 - 1, exactly; never truncated. Throws
/// ERR_LLM_CACHE_ARGUMENT and returns false.
bool get_uint32(napi_env env, napi_value value, const char* name, uint32_t least, uint32_t& out);

/// @brief A string of 1 to 4096 bytes in UTF-8 without a zero. Throws ERR_LLM_CACHE_ARGUMENT and
/// returns false. May throw std::bad_alloc.
bool get_path(napi_env env, napi_value value, const char* name, std::string& out);

/// @brief Throws ERR_LLM_CACHE_DIMENSION and returns false unless `actual` is `expected`.
bool check_length(napi_env env, const char* name, size_t expected, size_t actual);

/// @brief Throws ERR_LLM_CACHE_ARGUMENT and returns false where one of the ids is kReservedNumber.
bool check_ids(napi_env env, const Span<uint32_t>& ids);

/// @brief Which file is to be mapped.
struct StateFile {
    std::string path;
    size_t dimension = 0;
    uint64_t checksum = 0;
};

/// @brief A path, a dimension and a checksum of 16 hexadecimal digits. Throws
/// ERR_LLM_CACHE_ARGUMENT and returns false. May throw std::bad_alloc.
bool get_state_file(napi_env env, napi_value path, napi_value dimension, napi_value checksum,
                    StateFile& out);

/// @brief The arguments of a call, undefined where left out, and its callback data.
template <size_t kCount>
struct Call {
    Call(napi_env env, napi_callback_info info) {
        size_t count = kCount;
        napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
    }
    napi_value operator[](size_t index) const { return arguments[index]; }

    napi_value arguments[kCount];
    void* data = nullptr;
};

}  // namespace llm_cache
