// The key of a question: its normal form for ASCII text and the hashed message; napi/hash.cpp uses
// it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sha256/sha256.hpp"

namespace llm_cache {

/// Bytes of a scope's digest.
constexpr size_t kScopeDigestBytes = 32;
/// Bytes of a key's message before its text: three lengths, the name of the format, the digest.
constexpr size_t kKeyPrefixBytes = 4 + 8 + 4 + kScopeDigestBytes + 4;

/// @brief What normalise_ascii returns for text that is not ASCII.
constexpr size_t kNotAscii = SIZE_MAX;

/// @brief Trims, lower-cases and collapses each run of white space to one space, in place. White
/// space is what ECMAScript calls so within ASCII: tab, LF, VT, FF, CR and space.
/// @return the new length, 0 for blank text, kNotAscii (text left in any state) if a byte is over
/// 127.
size_t normalise_ascii(char* text, size_t length);

/// @brief Key of a normalised text that the caller has put after kKeyPrefixBytes free bytes, which
/// this fills. Message: for each of "llmkey/1", the digest and the text its length in bytes
/// (uint32, little endian) and its bytes.
Digest query_key(const Sha256Implementation& sha256, const uint8_t* scope_digest, uint8_t* message,
                 size_t text_length);

/// @brief Feeds one length-prefixed field.
void add_field(Sha256& hash, const void* data, size_t length);

}  // namespace llm_cache
