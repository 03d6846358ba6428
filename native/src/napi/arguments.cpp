// The checks of arguments.hpp.
#include "arguments.hpp"

#include <algorithm>
#include <cstdio>

#include "../number_map.hpp"
#include "errors.hpp"

namespace llm_cache {
namespace {

const char* class_name(napi_typedarray_type kind) {
    switch (kind) {
        case napi_float32_array:
            return "a Float32Array";
        case napi_uint32_array:
            return "a Uint32Array";
        case napi_uint8_array:
            return "a Uint8Array";
        case napi_int8_array:
            return "an Int8Array";
        default:
            return "a typed array";
    }
}

void refuse(napi_env env, const char* name, const char* reason) {
    char message[128];
    std::snprintf(message, sizeof message, "%s must be %s", name, reason);
    throw_error(env, kArgumentCode, message);
}

}  // namespace

bool take_apart(napi_env env, napi_value value, napi_typedarray_type kind, const char* name,
                void*& data, size_t& length) {
    napi_typedarray_type actual;
    napi_value buffer = nullptr;
    if (napi_get_typedarray_info(env, value, &actual, &length, &data, &buffer, nullptr) !=
            napi_ok ||
        actual != kind) {
        refuse(env, name, class_name(kind));
        return false;
    }
    bool exclusive = false;
    if (napi_is_arraybuffer(env, buffer, &exclusive) != napi_ok || !exclusive) {
        refuse(env, name, "memory of this thread alone, not a SharedArrayBuffer");
        return false;
    }
    if (length == 0) {
        bool detached = false;
        if (napi_is_detached_arraybuffer(env, buffer, &detached) != napi_ok || detached) {
            refuse(env, name, "an array that is not detached");
            return false;
        }
    }
    return true;
}

bool get_uint32(napi_env env, napi_value value, const char* name, uint32_t least, uint32_t& out) {
    double number = 0;
    if (napi_get_value_double(env, value, &number) == napi_ok && number >= least &&
        number <= 4294967295.0) {
        out = static_cast<uint32_t>(number);
        if (static_cast<double>(out) == number) return true;
    }
    char reason[64];
    std::snprintf(reason, sizeof reason, "an integer from %u to 4294967295", least);
    refuse(env, name, reason);
    return false;
}

bool get_path(napi_env env, napi_value value, const char* name, std::string& out) {
    constexpr size_t kMost = 4096;
    size_t length = 0;
    if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) == napi_ok && length > 0 &&
        length <= kMost) {
        out.resize(length + 1);
        napi_get_value_string_utf8(env, value, &out[0], out.size(), &length);
        out.resize(length);
        if (out.find('\0') == std::string::npos) return true;
    }
    refuse(env, name, "a string of 1 to 4096 bytes without a zero");
    return false;
}

bool check_length(napi_env env, const char* name, size_t expected, size_t actual) {
    if (expected == actual) return true;
    char message[128];
    std::snprintf(message, sizeof message, "%s must hold %zu numbers, got %zu", name, expected,
                  actual);
    throw_error(env, kDimensionCode, message);
    return false;
}

bool check_ids(napi_env env, const Span<uint32_t>& ids) {
    const uint32_t* const end = ids.data + ids.length;
    if (std::find<const uint32_t*>(ids.data, end, kReservedNumber) == end) return true;
    throw_error(env, kArgumentCode, "ids must be below 2^32 - 1");
    return false;
}

bool get_state_file(napi_env env, napi_value path, napi_value dimension, napi_value checksum,
                    StateFile& out) {
    uint32_t components = 0;
    std::string digits;
    if (!get_path(env, path, "path", out.path) ||
        !get_uint32(env, dimension, "dimension", 1, components) ||
        !get_path(env, checksum, "checksum", digits)) {
        return false;
    }
    if (digits.size() != 16 || digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
        throw_error(env, kArgumentCode, "checksum must be 16 hexadecimal digits");
        return false;
    }
    out.dimension = components;
    out.checksum = std::stoull(digits, nullptr, 16);
    return true;
}

}  // namespace llm_cache
