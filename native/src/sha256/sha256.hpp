// SHA-256 (FIPS 180-4) as a stream over a compression function chosen at run time; query_key and
// napi/hash use it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../cpu_features.hpp"

namespace llm_cache {

using Digest = std::array<uint8_t, 32>;

/// @brief One way to compress 64-byte blocks into the eight state words.
struct Sha256Implementation {
    const char* name;
    bool (*supported)(const CpuFeatures&);
    void (*compress)(uint32_t* state, const uint8_t* blocks, size_t count);
};

/// @brief The implementations, or null where one does not exist for this architecture.
const Sha256Implementation* sha_ni_sha256();
const Sha256Implementation* portable_sha256();

/// @brief Implementations this machine can run, best first; never empty.
const std::vector<const Sha256Implementation*>& available_sha256();

/// @brief The implementation named, or the best one when `name` is null or empty. Null with a
/// reason in `problem` when the name is unknown or the machine cannot run it.
const Sha256Implementation* choose_sha256(const char* name, std::string& problem);

/// @brief The process's implementation, chosen once by the environment variable LLM_CACHE_SHA256 or
/// by rank.
const Sha256Implementation* active_sha256(std::string& problem);

/// The round constants, first 32 bits of the fractional parts of the cube roots of the first 64
/// primes.
extern const uint32_t kSha256Rounds[64];

/// @brief One message. No allocation, so any number of bytes may be fed.
class Sha256 {
  public:
    explicit Sha256(const Sha256Implementation& implementation) : implementation_(implementation) {}

    void update(const void* data, size_t length);

    /// @brief The digest. The object is used up.
    Digest finish();

  private:
    const Sha256Implementation& implementation_;
    uint32_t state_[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                          0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint64_t length_ = 0;
    uint8_t pending_[64];
};

/// @brief 64 lower-case hexadecimal digits, without a terminator.
void write_hex(const Digest& digest, char* out);

}  // namespace llm_cache
