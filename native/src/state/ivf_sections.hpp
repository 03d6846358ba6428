// How lists lie in sections; only the writer and the loader of state/ivf_state.hpp include it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../ivfpq_state.hpp"
#include "container.hpp"

namespace llm_cache {

constexpr uint32_t kListsTag = tag_of("LIST");
constexpr uint32_t kCentroidsTag = tag_of("CENT");
constexpr uint32_t kCodebooksTag = tag_of("BOOK");
constexpr uint32_t kRotationsTag = tag_of("ROTA");
constexpr uint32_t kLengthsTag = tag_of("LENS");
constexpr uint32_t kIdsTag = tag_of("LIDS");
constexpr uint32_t kListPartitionsTag = tag_of("LPAR");
constexpr uint32_t kScalesTag = tag_of("SCAL");
constexpr uint32_t kCodesTag = tag_of("CODE");
constexpr uint32_t kKeptTag = tag_of("KEPT");

/// @brief A partition in LIST; numbers of floating point by their bits.
struct PartRecord {
    uint64_t partition;
    uint64_t rows;
    uint64_t nlist;
    uint64_t m;
    uint64_t nbits;
    uint64_t rescore;
    uint64_t rotated;
    uint64_t error;
    uint64_t learnt;
    uint64_t since;
    uint64_t recent_error;
};
constexpr size_t kPartWords = sizeof(PartRecord) / sizeof(uint64_t);

/// Of its numbers but the bits of recent_error.
constexpr uint64_t kGreatestWord = kReservedNumber - 1;

template <typename To, typename From>
To bits_of(From value) {
    static_assert(sizeof(To) == sizeof(From), "the same bits");
    To bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline size_t rotation_length(const IvfStateHead& head) {
    return head.rotated ? head.shape.dimension * head.shape.dimension : 0;
}

}  // namespace llm_cache
