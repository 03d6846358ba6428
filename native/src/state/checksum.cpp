// Lanes and their end.
#include "checksum.hpp"

#include <algorithm>
#include <cstring>

namespace llm_cache {
namespace {

constexpr uint64_t kOdd = 0xff51afd7ed558ccd;

uint64_t turned(uint64_t value, int by) { return value << by | value >> (64 - by); }

}  // namespace

void Checksum::take(const uint8_t* stride) {
    uint64_t words[8];
    std::memcpy(words, stride, sizeof words);
    for (size_t i = 0; i < 8; ++i) lanes_[i] = turned((lanes_[i] ^ words[i]) * kOdd, 29);
    ++strides_;
}

void Checksum::update(const void* data, size_t length) {
    const uint8_t* bytes = static_cast<const uint8_t*>(data);
    if (held_ > 0) {
        const size_t more = std::min(length, kStride - held_);
        std::copy_n(bytes, more, pending_ + held_);
        held_ += more;
        bytes += more;
        length -= more;
        if (held_ < kStride) return;
        take(pending_);
        held_ = 0;
    }
    for (; length >= kStride; bytes += kStride, length -= kStride) take(bytes);
    std::copy_n(bytes, length, pending_);
    held_ = length;
}

uint64_t Checksum::finish() const {
    Checksum end = *this;
    if (held_ > 0) {
        std::fill(end.pending_ + held_, end.pending_ + kStride, uint8_t{0});
        end.take(end.pending_);
    }
    uint64_t sum = end.strides_;
    for (const uint64_t lane : end.lanes_) {
        sum = (sum ^ lane) * kOdd;
        sum ^= sum >> 32;
    }
    return sum;
}

uint64_t checksum_of(const void* data, size_t length) {
    Checksum sum;
    sum.update(data, length);
    return sum.finish();
}

}  // namespace llm_cache
