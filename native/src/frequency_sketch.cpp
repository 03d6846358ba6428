// The counters of frequency_sketch.hpp, packed into 64-bit words: 16 of four bits or 4 of sixteen.
#include "frequency_sketch.hpp"

#include <algorithm>
#include <new>

namespace llm_cache {
namespace {

constexpr uint64_t kCountersPerKey = 4;
constexpr uint64_t kLeastWidth = 64;

uint32_t log2_of(uint64_t power) {
    uint32_t bits = 0;
    while ((uint64_t{1} << bits) < power) ++bits;
    return bits;
}

}  // namespace

std::unique_ptr<FrequencySketch> FrequencySketch::create(uint32_t capacity, uint32_t counter_bits,
                                                         const Multipliers& multipliers,
                                                         Status& status) noexcept {
    status = Status::kOk;
    if (counter_bits != 4 && counter_bits != 16) {
        status = Status::kCounterBits;
        return nullptr;
    }
    const uint64_t wanted = kCountersPerKey * std::max<uint64_t>(capacity, 1);
    const uint64_t width =
        std::min(kSketchGreatestWidth, uint64_t{1} << log2_of(std::max(kLeastWidth, wanted)));
    try {
        return std::unique_ptr<FrequencySketch>(new FrequencySketch(
            width, counter_bits, kSketchSample * std::max<uint64_t>(capacity, 1), multipliers));
    } catch (const std::bad_alloc&) {
        status = Status::kOutOfMemory;
        return nullptr;
    }
}

FrequencySketch::FrequencySketch(uint64_t width, uint32_t counter_bits, uint64_t sample,
                                 const Multipliers& multipliers)
    : multipliers_(multipliers),
      width_(width),
      sample_(sample),
      width_bits_(log2_of(width)),
      counter_bits_(counter_bits),
      greatest_((uint32_t{1} << counter_bits) - 1),
      words_(kSketchRows * width * counter_bits / 64) {
    for (uint64_t& multiplier : multipliers_) multiplier |= 1;
}

FrequencySketch::Place FrequencySketch::place(size_t row, uint64_t fingerprint) const noexcept {
    const uint64_t column = (multipliers_[row] * fingerprint) >> (64 - width_bits_);
    const uint64_t bit = (row * width_ + column) * counter_bits_;
    return {static_cast<size_t>(bit / 64), static_cast<uint32_t>(bit % 64)};
}

uint32_t FrequencySketch::add(uint64_t fingerprint) noexcept {
    std::array<Place, kSketchRows> places;
    uint32_t least = greatest_;
    for (size_t row = 0; row < kSketchRows; ++row) {
        places[row] = place(row, fingerprint);
        least = std::min(least, count_at(places[row]));
    }
    if (least < greatest_) {
        for (const Place at : places) {
            if (count_at(at) == least) words_[at.word] += uint64_t{1} << at.shift;
        }
        ++least;
    }
    if (++samples_ < sample_) return least;
    halve();
    return least / 2;
}

uint32_t FrequencySketch::estimate(uint64_t fingerprint) const noexcept {
    uint32_t least = greatest_;
    for (size_t row = 0; row < kSketchRows; ++row) {
        least = std::min(least, count_at(place(row, fingerprint)));
    }
    return least;
}

void FrequencySketch::halve() noexcept {
    // What is shifted out of a counter would land in the top bit of its neighbour.
    const uint64_t mask = counter_bits_ == 4 ? 0x7777777777777777u : 0x7fff7fff7fff7fffu;
    for (uint64_t& word : words_) word = (word >> 1) & mask;
    samples_ /= 2;
}

void FrequencySketch::clear() noexcept {
    std::fill(words_.begin(), words_.end(), 0);
    samples_ = 0;
}

}  // namespace llm_cache
