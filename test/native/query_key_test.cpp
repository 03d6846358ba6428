// Normalising ASCII and the message a key is the hash of.
#include "query_key.hpp"

#include <cstring>
#include <string>

#include "harness.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

std::string normalised(std::string text) {
    const size_t length = normalise_ascii(&text[0], text.size());
    return length == kNotAscii ? "not ASCII" : text.substr(0, length);
}

// The same rule written for clarity: words between white space, lower-cased, joined by one space.
std::string by_words(const std::string& text) {
    std::string out;
    bool gap = false;
    for (const char c : text) {
        if (c == ' ' || (c >= 9 && c <= 13)) {
            gap = !out.empty();
            continue;
        }
        if (gap) out += ' ';
        gap = false;
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    return out;
}

}  // namespace

LLM_CACHE_TEST("white space is trimmed and collapsed, letters are lower-cased, the rest stays") {
    LLM_CACHE_CHECK(normalised("  What\t\tis \r\n C++ ?\v\f ") == "what is c++ ?");
    LLM_CACHE_CHECK(normalised("") == "");
    LLM_CACHE_CHECK(normalised(" \t\n\v\f\r ") == "");
    LLM_CACHE_CHECK(normalised("a\x1c\x1d\x1e\x1f\x01 b") == "a\x1c\x1d\x1e\x1f\x01 b");
    LLM_CACHE_CHECK(normalised(std::string("a\0 \0b", 5)) == std::string("a\0 \0b", 5));
    LLM_CACHE_CHECK(normalised("caf\xc3\xa9") == "not ASCII");
    LLM_CACHE_CHECK(normalised("[@Z`{") == "[@z`{");
}

LLM_CACHE_TEST("normalising equals splitting into words, for random ASCII") {
    Random random(seed());
    const std::string likely = " \t\n\v\f\r aAzZ09\x1f\x7f\x08\x0e";
    for (int round = 0; round < 20000; ++round) {
        std::string text(below(random, 80), ' ');
        for (char& c : text) {
            c = below(random, 2) == 0 ? likely[below(random, likely.size())]
                                      : static_cast<char>(below(random, 128));
        }
        LLM_CACHE_CHECK(normalised(text) == by_words(text));
    }
}

LLM_CACHE_TEST("a key is the hash of its length-prefixed fields") {
    const std::string text = "what is c++?";
    uint8_t digest[kScopeDigestBytes];
    for (size_t i = 0; i < sizeof digest; ++i) digest[i] = static_cast<uint8_t>(i * 7);
    for (const Sha256Implementation* implementation : available_sha256()) {
        Sha256 hash(*implementation);
        add_field(hash, "llmkey/1", 8);
        add_field(hash, digest, sizeof digest);
        add_field(hash, text.data(), text.size());
        std::vector<uint8_t> message(kKeyPrefixBytes + text.size());
        std::memcpy(message.data() + kKeyPrefixBytes, text.data(), text.size());
        LLM_CACHE_CHECK(hash.finish() ==
                        query_key(*implementation, digest, message.data(), text.size()));
    }
}
