// The file format of derived state: a checked header and checked arrays of numbers, read in place;
// whatever keeps an index in a file uses it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../status.hpp"
#include "checksum.hpp"

namespace llm_cache {

// A file is a header of kHeaderBytes, then its sections one directly behind the other, each filled
// up with zeros to a multiple of kAlignment. All numbers are little-endian. Every byte of the file
// is covered by a checksum: the header's by its own, a section's and its filling by the one that
// the header has of it. So damage is found, whatever it hits.

constexpr size_t kStateAlignment = 64;
constexpr size_t kHeaderBytes = 4096;
constexpr size_t kMostSections = 32;
constexpr size_t kHeaderCounts = 8;
/// Changes with the format; a file of another version is not read.
constexpr uint32_t kStateVersion = 1;

/// @brief Four letters as a number.
constexpr uint32_t tag_of(const char (&letters)[5]) {
    return static_cast<uint32_t>(static_cast<uint8_t>(letters[0])) |
           static_cast<uint32_t>(static_cast<uint8_t>(letters[1])) << 8 |
           static_cast<uint32_t>(static_cast<uint8_t>(letters[2])) << 16 |
           static_cast<uint32_t>(static_cast<uint8_t>(letters[3])) << 24;
}

/// @brief What the elements of a section are.
enum class Element : uint32_t { kUint8 = 1, kInt8, kUint16, kUint32, kUint64, kFloat32 };

constexpr size_t element_bytes(Element element) {
    switch (element) {
        case Element::kUint8:
        case Element::kInt8:
            return 1;
        case Element::kUint16:
            return 2;
        case Element::kUint32:
        case Element::kFloat32:
            return 4;
        case Element::kUint64:
            return 8;
    }
    return 0;
}

template <typename T>
struct ElementOf;
template <>
struct ElementOf<uint8_t> {
    static constexpr Element value = Element::kUint8;
};
template <>
struct ElementOf<int8_t> {
    static constexpr Element value = Element::kInt8;
};
template <>
struct ElementOf<uint16_t> {
    static constexpr Element value = Element::kUint16;
};
template <>
struct ElementOf<uint32_t> {
    static constexpr Element value = Element::kUint32;
};
template <>
struct ElementOf<uint64_t> {
    static constexpr Element value = Element::kUint64;
};
template <>
struct ElementOf<float> {
    static constexpr Element value = Element::kFloat32;
};

/// @brief An array within the file's bytes; kStateAlignment-aligned if the bytes are.
template <typename T>
struct StateSpan {
    const T* data = nullptr;
    size_t count = 0;
};

/// @brief A section as the header has it.
struct SectionRecord {
    uint32_t tag;
    Element element;
    uint64_t count;
    uint64_t offset;
    uint64_t checksum;
};

/// @brief The header as it lies in the file; zeros follow it up to kHeaderBytes.
struct HeaderRecord {
    uint64_t magic;
    uint32_t version;
    /// Which kind of state: a tag.
    uint32_t kind;
    /// Of the whole file.
    uint64_t bytes;
    uint64_t section_count;
    /// Numbers whose meaning is the kind's own.
    uint64_t counts[kHeaderCounts];
    SectionRecord sections[kMostSections];
    /// Of all bytes of the header, this number taken for zero.
    uint64_t checksum;
};
static_assert(sizeof(SectionRecord) == 32 && sizeof(HeaderRecord) <= kHeaderBytes, "no padding");

/// As a little-endian machine reads the eight letters "LLMCSTAT": another one refuses the file.
constexpr uint64_t kStateMagic = 0x544154534d434c4c;

/// @brief Where a writer puts its bytes.
class StateSink {
  public:
    virtual ~StateSink() = default;
    /// @brief Adds bytes at the end; false when that failed.
    virtual bool append(const void* data, size_t length) = 0;
    /// @brief Replaces the first bytes of what was appended.
    virtual bool replace_start(const void* data, size_t length) = 0;
};

/// @brief Streams a container into a sink: begin, then the sections one after the other, then
/// finish. The header comes last, so a file that was not finished has none. Allocates nothing.
class ContainerWriter {
  public:
    ContainerWriter(StateSink& sink, uint32_t kind);

    /// @brief Ends the section before and begins the next one. @pre at most kMostSections.
    void begin(uint32_t tag, Element element);

    /// @brief Adds elements to the section under way.
    template <typename T>
    void add(const T* elements, size_t count) {
        put(elements, count * sizeof(T));
        section().count += count;
    }

    /// @brief A section in one piece.
    template <typename T>
    void section(uint32_t tag, const T* elements, size_t count) {
        begin(tag, ElementOf<T>::value);
        add(elements, count);
    }

    void set_count(size_t index, uint64_t value) { header_.counts[index] = value; }

    /// @brief Writes the header. @return kOk, or kNotWritten when the sink failed at any time.
    Status finish();

    /// @brief The header's checksum once finished: it stands for the whole file.
    uint64_t checksum() const { return header_.checksum; }
    uint64_t bytes() const { return header_.bytes; }

  private:
    SectionRecord& section() { return header_.sections[header_.section_count - 1]; }
    void put(const void* data, size_t length);
    void end_section();

    StateSink& sink_;
    HeaderRecord header_ = {};
    Checksum sum_;
    bool good_ = true;
};

/// @brief Reads a container in place: bytes that are mapped or were read, kStateAlignment-aligned,
/// and that live as long as what is taken from it. Allocates nothing, trusts nothing.
class ContainerReader {
  public:
    /// @brief Checks the header: every number in it, and that the sections fill the file.
    /// @param budget bytes that the file may have.
    /// @return kOk; kForeign for another magic number, version or kind; kOverBudget; kDamaged.
    Status open(const void* data, size_t length, uint32_t kind, uint64_t budget);

    /// @brief Checks every section against its checksum: reads the whole file.
    Status verify() const;

    uint64_t count(size_t index) const { return header_->counts[index]; }
    uint64_t checksum() const { return header_->checksum; }

    /// @brief The section of the tag. @return kOk, or kDamaged when there is none of that element.
    template <typename T>
    Status find(uint32_t tag, StateSpan<T>& out) const {
        const SectionRecord* record = find(tag, ElementOf<T>::value);
        if (record == nullptr) return Status::kDamaged;
        out.data = reinterpret_cast<const T*>(data_ + record->offset);
        out.count = static_cast<size_t>(record->count);
        return Status::kOk;
    }

  private:
    const SectionRecord* find(uint32_t tag, Element element) const;

    const uint8_t* data_ = nullptr;
    const HeaderRecord* header_ = nullptr;
};

/// @brief The checksum that belongs into a header, whatever it says itself.
uint64_t header_checksum(const void* header);

}  // namespace llm_cache
