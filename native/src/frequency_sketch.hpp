// How often keys were seen lately, in a few bytes a key: a Count-Min sketch that ages. No Node
// here; native/src/napi/frequency_sketch.cpp shows it to JavaScript.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "status.hpp"

namespace llm_cache {

/// Rows of counters; a key has one counter in each.
constexpr size_t kSketchRows = 4;
/// Additions, by the capacity, after which all counts are halved.
constexpr uint64_t kSketchSample = 10;
/// Most counters a row: 2^24, so that halving (about 30 microseconds a MiB) stays within
/// milliseconds.
constexpr uint64_t kSketchGreatestWidth = uint64_t{1} << 24;

/// @brief Count-Min sketch with conservative update and halving. A count is never below the truth
/// since the last halving, up to the counter's greatest value, 15 or 65,535; it is above it where
/// keys share all four counters with more frequent ones.
///
/// Keys are 64-bit fingerprints, and each row places them by multiply-shift with an odd multiplier
/// of its own: of any two fingerprints the chance to share a counter is at most 2 / width in each
/// row, whoever chose them, as long as the multipliers are drawn at random and not told.
/// @source Cormode & Muthukrishnan, "An improved data stream summary" (2005); conservative update:
/// Estan & Varghese (2002); halving: Einziger, Friedman & Manes, "TinyLFU" (2017), section 3.3;
/// multiply-shift: Dietzfelbinger et al. (1997).
class FrequencySketch {
  public:
    using Multipliers = std::array<uint64_t, kSketchRows>;

    /// @brief A sketch for about `capacity` keys of interest: 4 to 8 counters a row for each.
    /// @param counter_bits 4 or 16.
    /// @return Null, with `status` saying why.
    static std::unique_ptr<FrequencySketch> create(uint32_t capacity, uint32_t counter_bits,
                                                   const Multipliers& multipliers,
                                                   Status& status) noexcept;

    /// @brief Counts a key once; raises only the least of its counters. Returns its count after
    /// that.
    uint32_t add(uint64_t fingerprint) noexcept;

    /// @brief The count of a key.
    uint32_t estimate(uint64_t fingerprint) const noexcept;

    /// @brief Halves all counts, rounding down.
    void halve() noexcept;

    void clear() noexcept;

    /// @brief Additions since the last halving, those before it counting half.
    uint64_t samples() const { return samples_; }
    size_t bytes() const { return words_.size() * sizeof(uint64_t); }

  private:
    FrequencySketch(uint64_t width, uint32_t counter_bits, uint64_t sample,
                    const Multipliers& multipliers);

    struct Place {
        size_t word;
        uint32_t shift;
    };
    Place place(size_t row, uint64_t fingerprint) const noexcept;
    uint32_t count_at(Place at) const noexcept {
        return static_cast<uint32_t>(words_[at.word] >> at.shift) & greatest_;
    }

    Multipliers multipliers_;
    uint64_t width_;
    uint64_t sample_;
    uint64_t samples_ = 0;
    uint32_t width_bits_;
    uint32_t counter_bits_;
    uint32_t greatest_;
    std::vector<uint64_t> words_;
};

}  // namespace llm_cache
