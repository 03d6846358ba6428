// SHA-256: published vectors, and all implementations against each other over all short lengths and
// splits.
#include "sha256/sha256.hpp"

#include <algorithm>

#include "harness.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

std::string hash_of(const Sha256Implementation& implementation, const std::string& message) {
    Sha256 hash(implementation);
    hash.update(message.data(), message.size());
    std::string digits(64, ' ');
    write_hex(hash.finish(), &digits[0]);
    return digits;
}

}  // namespace

LLM_CACHE_TEST("the examples of FIPS 180-4 and its successors come out") {
    const std::pair<std::string, const char*> examples[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
         "m"
         "nopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
        {std::string(1000000, 'a'),
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    for (const Sha256Implementation* implementation : available_sha256()) {
        for (const auto& example : examples) {
            LLM_CACHE_CHECK(hash_of(*implementation, example.first) == example.second);
        }
    }
}

LLM_CACHE_TEST(
    "all implementations agree for every length to 300 and however the message is split") {
    Random random(seed());
    const Sha256Implementation& portable = *portable_sha256();
    for (size_t length = 0; length <= 300; ++length) {
        std::string message(length, ' ');
        for (char& byte : message) byte = static_cast<char>(random());
        const std::string expected = hash_of(portable, message);
        for (const Sha256Implementation* implementation : available_sha256()) {
            Sha256 hash(*implementation);
            for (size_t at = 0; at < length;) {
                const size_t part = std::min(length - at, below(random, 150));
                hash.update(message.data() + at, part);
                at += part;
            }
            std::string digits(64, ' ');
            write_hex(hash.finish(), &digits[0]);
            LLM_CACHE_CHECK(digits == expected);
        }
    }
}

LLM_CACHE_TEST("an implementation is chosen by its name, and an unknown name is refused") {
    std::string problem;
    for (const Sha256Implementation* implementation : available_sha256()) {
        LLM_CACHE_CHECK(choose_sha256(implementation->name, problem) == implementation);
    }
    LLM_CACHE_CHECK(choose_sha256("md5", problem) == nullptr);
    LLM_CACHE_CHECK(problem.find("portable") != std::string::npos);
}
