// Reading a container: every number is checked before it is used, none is multiplied unchecked.
#include "container.hpp"

namespace llm_cache {
namespace {

constexpr uint64_t kGreatestFile = uint64_t{1} << 62;

// Bytes of a section with its filling, up to `most`; 0 when it is longer, or of no known element.
bool padded_bytes(const SectionRecord& record, uint64_t most, uint64_t& bytes) {
    const size_t size = element_bytes(record.element);
    if (size == 0 || record.count > most / size) return false;
    bytes = (record.count * size + kStateAlignment - 1) / kStateAlignment * kStateAlignment;
    return bytes <= most;
}

}  // namespace

Status ContainerReader::open(const void* data, size_t length, uint32_t kind, uint64_t budget) {
    header_ = nullptr;
    data_ = static_cast<const uint8_t*>(data);
    if (length < kHeaderBytes || reinterpret_cast<uintptr_t>(data) % kStateAlignment != 0) {
        return Status::kDamaged;
    }
    const HeaderRecord* header = static_cast<const HeaderRecord*>(data);
    if (header->magic != kStateMagic || header->version != kStateVersion || header->kind != kind) {
        return Status::kForeign;
    }
    if (header->checksum != header_checksum(data)) return Status::kDamaged;
    if (header->bytes > budget) return Status::kOverBudget;
    if (header->bytes != length || header->bytes > kGreatestFile ||
        header->section_count > kMostSections) {
        return Status::kDamaged;
    }
    uint64_t end = kHeaderBytes;
    for (uint64_t i = 0; i < header->section_count; ++i) {
        const SectionRecord& record = header->sections[i];
        uint64_t bytes = 0;
        if (record.offset != end || !padded_bytes(record, length - end, bytes)) {
            return Status::kDamaged;
        }
        for (uint64_t j = 0; j < i; ++j) {
            if (header->sections[j].tag == record.tag) return Status::kDamaged;
        }
        end += bytes;
    }
    if (end != length) return Status::kDamaged;
    header_ = header;
    return Status::kOk;
}

Status ContainerReader::verify() const {
    for (uint64_t i = 0; i < header_->section_count; ++i) {
        const SectionRecord& record = header_->sections[i];
        uint64_t bytes = 0;
        padded_bytes(record, header_->bytes, bytes);
        if (checksum_of(data_ + record.offset, static_cast<size_t>(bytes)) != record.checksum) {
            return Status::kDamaged;
        }
    }
    return Status::kOk;
}

const SectionRecord* ContainerReader::find(uint32_t tag, Element element) const {
    for (uint64_t i = 0; i < header_->section_count; ++i) {
        const SectionRecord& record = header_->sections[i];
        if (record.tag == tag && record.element == element) return &record;
    }
    return nullptr;
}

}  // namespace llm_cache
