// The names of rows in a container: row i has the i-th name, names ascend; flat_state's owners use
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "container.hpp"

namespace llm_cache {

constexpr uint32_t kNamesTag = tag_of("NAME");
constexpr uint32_t kNameEndsTag = tag_of("NEND");

/// @brief Gathers names, in ascending order of their bytes, each once.
class NamesWriter {
  public:
    /// @return kOk, kOutOfMemory, or kReservedNumber when the name does not come after the last.
    Status add(const uint8_t* name, size_t length);

    void write(ContainerWriter& container) const;

  private:
    std::vector<uint8_t> bytes_;
    std::vector<uint64_t> ends_;
};

/// @brief Names in place: a name by its number, a number by its name. Allocates nothing.
class Names {
  public:
    /// @brief Checks that the names are within their bytes and ascend. @return kOk or kDamaged.
    Status open(const ContainerReader& reader);

    size_t size() const { return ends_.count; }

    /// @pre `number` is less than size().
    const uint8_t* at(size_t number, size_t& length) const;

    /// @brief The number of a name, size() where there is none. O(log n).
    size_t find(const uint8_t* name, size_t length) const;

  private:
    StateSpan<uint8_t> bytes_;
    StateSpan<uint64_t> ends_;
};

}  // namespace llm_cache
