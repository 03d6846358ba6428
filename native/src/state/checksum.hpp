// The checksum of state files: 64 bits over any number of bytes, for container alone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace llm_cache {

/// @brief A 64-bit checksum against damage, not against forgery: whoever can write the file can
/// sign it, which is why every loader checks each value as well.
///
/// Eight lanes, each taking every eighth 64-bit word w by lane = rotl((lane ^ w) x odd, 29), a step
/// that is one-to-one in w and in lane. So two inputs that differ within one word, hence by any one
/// bit, never have the same sum, and others agree once in 2^64. A CRC says as much but needs an
/// instruction of its own on each architecture to read at the speed of memory, SHA-256 takes 2 to
/// 10 times as long as the load of the file itself; this runs at about 20 GB/s in portable code.
class Checksum {
  public:
    static constexpr size_t kStride = 64;

    void update(const void* data, size_t length);

    /// @brief The sum of what was fed, filled up with zeros to a multiple of kStride.
    uint64_t finish() const;

  private:
    void take(const uint8_t* stride);

    uint64_t lanes_[8] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb,
                          0xd6e8feb86659fd93, 0xa0761d6478bd642f, 0xe7037ed1a0b428db,
                          0x8ebc6af09c88c6e3, 0x589965cc75374cc3};
    uint8_t pending_[kStride] = {};
    size_t held_ = 0;
    uint64_t strides_ = 0;
};

/// @brief The sum of one piece.
uint64_t checksum_of(const void* data, size_t length);

}  // namespace llm_cache
