// sha256, sha256Fields, queryKey and queryKeyNormalised. Plain Node-API, and no heap for texts
// under a kilobyte.
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "../query_key.hpp"
#include "addon.hpp"
#include "arguments.hpp"
#include "errors.hpp"

namespace llm_cache {
namespace {

// A string's UTF-8 bytes, after some bytes that the caller may fill. Lone surrogates become U+FFFD,
// as in Buffer.from.
class Utf8 {
  public:
    // False with an exception when the value is no string or memory is short.
    bool read(napi_env env, napi_value value, const char* name, size_t before) {
        before_ = before;
        // V8 writes whole characters only: with less than one character's room left it may have
        // stopped early.
        constexpr size_t kLongestCharacter = 4;
        if (!copy(env, value, name, sizeof short_ - before)) return false;
        if (length_ + kLongestCharacter < sizeof short_ - before) return true;
        size_t total = 0;
        if (failed(env, napi_get_value_string_utf8(env, value, nullptr, 0, &total))) return false;
        long_.reset(new (std::nothrow) char[before + total + 1]);
        if (!long_) {
            throw_status(env, Status::kOutOfMemory);
            return false;
        }
        message_ = long_.get();
        return copy(env, value, name, total + 1);
    }

    uint8_t* message() { return reinterpret_cast<uint8_t*>(message_); }
    char* text() { return message_ + before_; }
    size_t length() const { return length_; }

  private:
    bool copy(napi_env env, napi_value value, const char* name, size_t room) {
        const napi_status status =
            napi_get_value_string_utf8(env, value, message_ + before_, room, &length_);
        if (status != napi_string_expected) return !failed(env, status);
        char message[64];
        std::snprintf(message, sizeof message, "%s must be a string", name);
        throw_error(env, kArgumentCode, message);
        return false;
    }

    char short_[1024];
    std::unique_ptr<char[]> long_;
    char* message_ = short_;
    size_t before_ = 0;
    size_t length_ = 0;
};

const Sha256Implementation& implementation(void* data) {
    return *static_cast<const Addon*>(data)->sha256;
}

napi_value hex(napi_env env, const Digest& digest) {
    char digits[64];
    write_hex(digest, digits);
    napi_value result = nullptr;
    failed(env, napi_create_string_latin1(env, digits, sizeof digits, &result));
    return result;
}

bool get_digest(napi_env env, napi_value value, Span<uint8_t>& digest) {
    if (!get_bytes(env, value, "scopeDigest", digest)) return false;
    if (digest.length == kScopeDigestBytes) return true;
    throw_error(env, kArgumentCode, "scopeDigest must be 32 bytes long");
    return false;
}

napi_value JsSha256(napi_env env, napi_callback_info info) {
    const Call<1> call(env, info);
    Span<uint8_t> data;
    if (!get_bytes(env, call[0], "data", data)) return nullptr;
    Sha256 hash(implementation(call.data));
    hash.update(data.data, data.length);
    const Digest digest = hash.finish();
    void* bytes = nullptr;
    napi_value buffer = nullptr;
    napi_value result = nullptr;
    if (failed(env, napi_create_arraybuffer(env, digest.size(), &bytes, &buffer))) return nullptr;
    std::memcpy(bytes, digest.data(), digest.size());
    failed(env, napi_create_typedarray(env, napi_uint8_array, digest.size(), buffer, 0, &result));
    return result;
}

bool add_value(napi_env env, Sha256& hash, napi_value value) {
    napi_valuetype type;
    if (failed(env, napi_typeof(env, value, &type))) return false;
    if (type == napi_string) {
        Utf8 text;
        if (!text.read(env, value, "fields", 0)) return false;
        add_field(hash, text.text(), text.length());
        return true;
    }
    Span<uint8_t> bytes;
    if (!get_bytes(env, value, "each of fields, unless a string,", bytes)) return false;
    if (bytes.length > UINT32_MAX) {
        throw_error(env, kArgumentCode, "each of fields must be under 4 GiB long");
        return false;
    }
    add_field(hash, bytes.data, bytes.length);
    return true;
}

napi_value JsSha256Fields(napi_env env, napi_callback_info info) {
    const Call<1> call(env, info);
    bool is_array = false;
    if (failed(env, napi_is_array(env, call[0], &is_array))) return nullptr;
    if (!is_array) {
        throw_error(env, kArgumentCode, "fields must be an array of strings and Uint8Arrays");
        return nullptr;
    }
    uint32_t count = 0;
    if (failed(env, napi_get_array_length(env, call[0], &count))) return nullptr;
    Sha256 hash(implementation(call.data));
    for (uint32_t i = 0; i < count; ++i) {
        // One scope a field, so that handles of a long array do not pile up; the bytes are used
        // before JavaScript can run.
        napi_handle_scope scope = nullptr;
        if (failed(env, napi_open_handle_scope(env, &scope))) return nullptr;
        napi_value value = nullptr;
        const bool added =
            !failed(env, napi_get_element(env, call[0], i, &value)) && add_value(env, hash, value);
        napi_close_handle_scope(env, scope);
        if (!added) return nullptr;
    }
    return hex(env, hash.finish());
}

napi_value JsQueryKey(napi_env env, napi_callback_info info) {
    const Call<2> call(env, info);
    Utf8 text;
    Span<uint8_t> digest;
    if (!text.read(env, call[0], "text", kKeyPrefixBytes)) return nullptr;
    const size_t length = normalise_ascii(text.text(), text.length());
    if (length == kNotAscii) return nullptr;
    if (!get_digest(env, call[1], digest)) return nullptr;
    return hex(env, query_key(implementation(call.data), digest.data, text.message(), length));
}

napi_value JsQueryKeyNormalised(napi_env env, napi_callback_info info) {
    const Call<2> call(env, info);
    Utf8 text;
    Span<uint8_t> digest;
    if (!text.read(env, call[0], "text", kKeyPrefixBytes)) return nullptr;
    if (!get_digest(env, call[1], digest)) return nullptr;
    return hex(env,
               query_key(implementation(call.data), digest.data, text.message(), text.length()));
}

}  // namespace

void export_hash(Napi::Env env, Napi::Object exports, Addon& addon) {
    export_function(env, exports, "sha256", JsSha256, addon);
    export_function(env, exports, "sha256Fields", JsSha256Fields, addon);
    export_function(env, exports, "queryKey", JsQueryKey, addon);
    export_function(env, exports, "queryKeyNormalised", JsQueryKeyNormalised, addon);
}

}  // namespace llm_cache
