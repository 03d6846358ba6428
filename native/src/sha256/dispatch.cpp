// Chooses the SHA-256 implementation, and the part of the algorithm that all share: buffering,
// padding, hexadecimal.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "sha256.hpp"

namespace llm_cache {

const std::vector<const Sha256Implementation*>& available_sha256() {
    static const std::vector<const Sha256Implementation*> available = [] {
        const CpuFeatures features = detect_cpu_features();
        std::vector<const Sha256Implementation*> found;
        for (const Sha256Implementation* one : {sha_ni_sha256(), portable_sha256()}) {
            if (one != nullptr && one->supported(features)) found.push_back(one);
        }
        return found;
    }();
    return available;
}

const Sha256Implementation* choose_sha256(const char* name, std::string& problem) {
    const auto& available = available_sha256();
    if (name == nullptr || *name == '\0') return available.front();
    std::string names;
    for (const Sha256Implementation* one : available) {
        if (std::strcmp(one->name, name) == 0) return one;
        names += names.empty() ? "" : ", ";
        names += one->name;
    }
    problem = std::string("LLM_CACHE_SHA256 is \"") + name + "\"; this machine runs: " + names;
    return nullptr;
}

const Sha256Implementation* active_sha256(std::string& problem) {
    static std::string reason;
    static const Sha256Implementation* const chosen =
        choose_sha256(std::getenv("LLM_CACHE_SHA256"), reason);
    problem = reason;
    return chosen;
}

void Sha256::update(const void* data, size_t length) {
    if (length == 0) return;
    const uint8_t* bytes = static_cast<const uint8_t*>(data);
    const size_t held = length_ % 64;
    length_ += length;
    if (held != 0) {
        const size_t taken = std::min(length, 64 - held);
        std::memcpy(pending_ + held, bytes, taken);
        bytes += taken;
        length -= taken;
        if (held + taken < 64) return;
        implementation_.compress(state_, pending_, 1);
    }
    const size_t blocks = length / 64;
    if (blocks != 0) implementation_.compress(state_, bytes, blocks);
    if (length % 64 != 0) std::memcpy(pending_, bytes + blocks * 64, length % 64);
}

Digest Sha256::finish() {
    const uint64_t bits = length_ * 8;
    size_t held = length_ % 64;
    pending_[held++] = 0x80;
    if (held > 56) {
        std::memset(pending_ + held, 0, 64 - held);
        implementation_.compress(state_, pending_, 1);
        held = 0;
    }
    std::memset(pending_ + held, 0, 56 - held);
    for (size_t i = 0; i < 8; ++i) pending_[56 + i] = static_cast<uint8_t>(bits >> (56 - 8 * i));
    implementation_.compress(state_, pending_, 1);
    Digest digest;
    for (size_t i = 0; i < 32; ++i) {
        digest[i] = static_cast<uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
    }
    return digest;
}

void write_hex(const Digest& digest, char* out) {
    constexpr char kDigits[] = "0123456789abcdef";
    for (size_t i = 0; i < digest.size(); ++i) {
        out[2 * i] = kDigits[digest[i] >> 4];
        out[2 * i + 1] = kDigits[digest[i] & 15];
    }
}

}  // namespace llm_cache
