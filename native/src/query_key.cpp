// Normalising by one table look-up a byte, and the message of query_key.hpp.
#include "query_key.hpp"

#include <array>
#include <cstring>

namespace llm_cache {
namespace {

constexpr char kFormat[] = "llmkey/1";

// Lower case and white space in one look-up; bytes over 127 keep their top bit, which the caller
// collects.
constexpr std::array<uint8_t, 256> make_table() {
    std::array<uint8_t, 256> table{};
    for (size_t byte = 0; byte < table.size(); ++byte) {
        const bool upper = byte >= 'A' && byte <= 'Z';
        const bool white = byte >= '\t' && byte <= '\r';
        table[byte] = static_cast<uint8_t>(upper ? byte + 32 : white ? ' ' : byte);
    }
    return table;
}

constexpr std::array<uint8_t, 256> kTable = make_table();

void write_length(uint8_t* out, size_t length) {
    for (int i = 0; i < 4; ++i) out[i] = static_cast<uint8_t>(length >> (8 * i));
}

}  // namespace

size_t normalise_ascii(char* text, size_t length) {
    size_t out = 0;
    uint8_t previous = ' ';
    uint8_t all = 0;
    for (size_t i = 0; i < length; ++i) {
        const uint8_t byte = kTable[static_cast<uint8_t>(text[i])];
        all |= byte;
        text[out] = static_cast<char>(byte);
        out += (byte != ' ') | (previous != ' ');
        previous = byte;
    }
    if ((all & 0x80) != 0) return kNotAscii;
    return out != 0 && text[out - 1] == ' ' ? out - 1 : out;
}

Digest query_key(const Sha256Implementation& sha256, const uint8_t* scope_digest, uint8_t* message,
                 size_t text_length) {
    constexpr size_t kFormatBytes = sizeof kFormat - 1;
    static_assert(kKeyPrefixBytes == 12 + kFormatBytes + kScopeDigestBytes, "prefix has no room");
    uint8_t* out = message;
    write_length(out, kFormatBytes);
    std::memcpy(out + 4, kFormat, kFormatBytes);
    out += 4 + kFormatBytes;
    write_length(out, kScopeDigestBytes);
    std::memcpy(out + 4, scope_digest, kScopeDigestBytes);
    out += 4 + kScopeDigestBytes;
    write_length(out, text_length);
    Sha256 hash(sha256);
    hash.update(message, kKeyPrefixBytes + text_length);
    return hash.finish();
}

void add_field(Sha256& hash, const void* data, size_t length) {
    uint8_t prefix[4];
    write_length(prefix, length);
    hash.update(prefix, sizeof prefix);
    hash.update(data, length);
}

}  // namespace llm_cache
