// Writing a container.
#include <cstddef>
#include <cstring>

#include "container.hpp"

namespace llm_cache {

uint64_t header_checksum(const void* header) {
    constexpr size_t kAt = offsetof(HeaderRecord, checksum);
    constexpr uint64_t kNone = 0;
    const uint8_t* bytes = static_cast<const uint8_t*>(header);
    Checksum sum;
    sum.update(bytes, kAt);
    sum.update(&kNone, sizeof kNone);
    sum.update(bytes + kAt + sizeof kNone, kHeaderBytes - kAt - sizeof kNone);
    return sum.finish();
}

ContainerWriter::ContainerWriter(StateSink& sink, uint32_t kind) : sink_(sink) {
    header_.magic = kStateMagic;
    header_.version = kStateVersion;
    header_.kind = kind;
    const uint8_t nothing[kHeaderBytes] = {};
    put(nothing, sizeof nothing);
}

void ContainerWriter::put(const void* data, size_t length) {
    if (length == 0) return;
    good_ = good_ && sink_.append(data, length);
    sum_.update(data, length);
    header_.bytes += length;
}

void ContainerWriter::end_section() {
    constexpr uint8_t kZeros[kStateAlignment] = {};
    put(kZeros, (kStateAlignment - header_.bytes % kStateAlignment) % kStateAlignment);
    if (header_.section_count > 0) section().checksum = sum_.finish();
}

void ContainerWriter::begin(uint32_t tag, Element element) {
    end_section();
    if (header_.section_count == kMostSections) {
        good_ = false;
        return;
    }
    sum_ = {};
    ++header_.section_count;
    section() = {tag, element, 0, header_.bytes, 0};
}

Status ContainerWriter::finish() {
    end_section();
    uint8_t block[kHeaderBytes] = {};
    std::memcpy(block, &header_, sizeof header_);
    header_.checksum = header_checksum(block);
    std::memcpy(block, &header_, sizeof header_);
    good_ = good_ && sink_.replace_start(block, sizeof block);
    return good_ ? Status::kOk : Status::kNotWritten;
}

}  // namespace llm_cache
