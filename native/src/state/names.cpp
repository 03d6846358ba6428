// Order and search of names.
#include "names.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace llm_cache {
namespace {

// Below, at or above 0 as the first name comes before, is, or comes after the second.
int compare(const uint8_t* a, size_t a_length, const uint8_t* b, size_t b_length) {
    const size_t common = std::min(a_length, b_length);
    const int order = common == 0 ? 0 : std::memcmp(a, b, common);
    if (order != 0) return order;
    return a_length < b_length ? -1 : a_length > b_length;
}

}  // namespace

Status NamesWriter::add(const uint8_t* name, size_t length) {
    if (!ends_.empty()) {
        const size_t first = ends_.size() == 1 ? 0 : ends_[ends_.size() - 2];
        if (compare(bytes_.data() + first, bytes_.size() - first, name, length) >= 0) {
            return Status::kReservedNumber;
        }
    }
    try {
        ends_.reserve(ends_.size() == ends_.capacity() ? ends_.size() * 2 + 16 : ends_.size());
        bytes_.insert(bytes_.end(), name, name + length);
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
    ends_.push_back(bytes_.size());
    return Status::kOk;
}

void NamesWriter::write(ContainerWriter& container) const {
    container.section(kNameEndsTag, ends_.data(), ends_.size());
    container.section(kNamesTag, bytes_.data(), bytes_.size());
}

Status Names::open(const ContainerReader& reader) {
    if (reader.find(kNamesTag, bytes_) != Status::kOk ||
        reader.find(kNameEndsTag, ends_) != Status::kOk) {
        return Status::kDamaged;
    }
    uint64_t end = 0;
    for (size_t i = 0; i < ends_.count; ++i) {
        if (ends_.data[i] < end || ends_.data[i] > bytes_.count) return Status::kDamaged;
        end = ends_.data[i];
    }
    if (end != bytes_.count) return Status::kDamaged;
    for (size_t i = 1; i < ends_.count; ++i) {
        size_t before = 0;
        size_t length = 0;
        const uint8_t* last = at(i - 1, before);
        const uint8_t* name = at(i, length);
        if (compare(last, before, name, length) >= 0) return Status::kDamaged;
    }
    return Status::kOk;
}

const uint8_t* Names::at(size_t number, size_t& length) const {
    const uint64_t first = number == 0 ? 0 : ends_.data[number - 1];
    length = static_cast<size_t>(ends_.data[number] - first);
    return bytes_.data + first;
}

size_t Names::find(const uint8_t* name, size_t length) const {
    size_t low = 0;
    size_t high = size();
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        size_t held_length = 0;
        const uint8_t* held = at(middle, held_length);
        const int order = compare(held, held_length, name, length);
        if (order == 0) return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return size();
}

}  // namespace llm_cache
