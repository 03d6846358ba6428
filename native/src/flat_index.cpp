// Storage of FlatIndex: every change first gets all the memory it needs, then cannot fail.
#include "flat_index.hpp"

#include <algorithm>
#include <new>

namespace llm_cache {
namespace {

constexpr size_t kGreatestSize = size_t{1} << 31;

}  // namespace

std::unique_ptr<FlatIndex> FlatIndex::create(const Kernels& kernels, double dimension,
                                             Status& status) {
    status = Status::kDimensionOutOfRange;
    if (!(dimension >= 1 && dimension <= kGreatestDimension)) return nullptr;
    const size_t whole = static_cast<size_t>(dimension);
    if (static_cast<double>(whole) != dimension) return nullptr;
    try {
        std::unique_ptr<FlatIndex> index(new FlatIndex(kernels, whole));
        status = Status::kOk;
        return index;
    } catch (const std::bad_alloc&) {
        status = Status::kOutOfMemory;
        return nullptr;
    }
}

FlatIndex::FlatIndex(const Kernels& kernels, size_t dimension)
    : kernels_(kernels), layout_(dimension), codes_(layout_.padded), query_(layout_) {}

size_t FlatIndex::fixed_bytes() const {
    const size_t words =
        free_shards_.capacity() + upper_bounds_.capacity() + greatest_bounds_.capacity();
    return sizeof *this + locations_.bytes() + partitions_.bytes() +
           shards_.capacity() * sizeof shards_[0] + codes_.capacity() + query_.bytes() +
           words * sizeof(uint32_t) + candidates_.capacity() * sizeof(RowBound) + best_.bytes();
}

// As Shard::own. May throw.
void FlatIndex::own(uint32_t number, size_t first, size_t end) {
    Shard& shard = *shards_[number];
    const size_t before = shard.bytes();
    try {
        shard.own(layout_, first, end);
    } catch (...) {
        bytes_ += shard.bytes() - before;
        throw;
    }
    bytes_ += shard.bytes() - before;
}

// Makes room in the table of ids and in the partition for those of the ids that are not there yet;
// an id that comes twice counts twice. Whatever row will be written to is owned then. May throw,
// and then no row has changed.
uint32_t FlatIndex::reserve(size_t count, const uint32_t* ids, uint32_t partition) {
    const uint32_t* number = partitions_.find(partition);
    size_t new_ids = 0;
    size_t new_rows = 0;
    for (size_t i = 0; i < count; ++i) {
        const Location* at = locations_.find(ids[i]);
        new_ids += at == nullptr;
        new_rows += at == nullptr || number == nullptr || at->shard != *number;
        if (at == nullptr) continue;
        own(at->shard, at->row, at->row + 1);
        if (number != nullptr && at->shard == *number) continue;
        // It moves away: up to `count` times the last row takes the place of another.
        const size_t size = shards_[at->shard]->size();
        own(at->shard, size - std::min(size, count), size);
    }
    locations_.reserve(new_ids);
    return shard_for(partition, new_rows);
}

// May throw; a shard that was made for nothing is then dropped again.
uint32_t FlatIndex::shard_for(uint32_t partition, size_t more_rows) {
    if (const uint32_t* known = partitions_.find(partition)) {
        Shard& shard = *shards_[*known];
        const size_t before = shard.bytes();
        try {
            shard.reserve(layout_, more_rows);
        } catch (...) {
            bytes_ += shard.bytes() - before;
            throw;
        }
        bytes_ += shard.bytes() - before;
        return *known;
    }
    auto shard = std::make_unique<Shard>(partition);
    shard->reserve(layout_, more_rows);
    partitions_.reserve(1);
    if (free_shards_.empty()) {
        // Every shard may become free, and freeing must not need memory.
        if (free_shards_.capacity() <= shards_.size()) free_shards_.reserve(2 * shards_.size() + 1);
        shards_.emplace_back();
        free_shards_.push_back(static_cast<uint32_t>(shards_.size() - 1));
    }
    const uint32_t number = free_shards_.back();
    free_shards_.pop_back();
    partitions_.insert(partition, number);
    bytes_ += shard->bytes();
    shards_[number] = std::move(shard);
    return number;
}

// Cannot fail: the shard and the table have room. The codes of the row are in codes_.
void FlatIndex::place(uint32_t id, uint32_t shard, const float* vector, const Quantised& metrics) {
    Location* known = locations_.find(id);
    if (known != nullptr && known->shard == shard) {
        shards_[shard]->write(layout_, known->row, id, vector, codes_.data(), metrics);
        return;
    }
    if (known != nullptr) erase(id, *known);
    const uint32_t row = shards_[shard]->append(layout_, id, vector, codes_.data(), metrics);
    locations_.insert(id, {shard, row});
}

Status FlatIndex::set(uint32_t id, uint32_t partition, const float* vector, bool& is_new) {
    if (id == kReservedNumber || partition == kReservedNumber) return Status::kReservedNumber;
    Quantised metrics;
    const Status status = quantise(vector, layout_.dimension, codes_.data(), metrics);
    if (status != Status::kOk) return status;
    is_new = !has(id);
    if (is_new && size() >= kGreatestSize) return Status::kFull;
    try {
        place(id, reserve(1, &id, partition), vector, metrics);
        return Status::kOk;
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
}

Status FlatIndex::set_many(size_t count, const uint32_t* ids, uint32_t partition,
                           const float* vectors) {
    if (count == 0) return Status::kOk;
    if (partition == kReservedNumber) return Status::kReservedNumber;
    if (count > kGreatestSize || size() + count > kGreatestSize) return Status::kFull;
    Quantised metrics;
    for (size_t i = 0; i < count; ++i) {
        if (ids[i] == kReservedNumber) return Status::kReservedNumber;
        const Status status =
            quantise(vectors + i * layout_.dimension, layout_.dimension, codes_.data(), metrics);
        if (status != Status::kOk) return status;
    }
    try {
        const uint32_t shard = reserve(count, ids, partition);
        for (size_t i = 0; i < count; ++i) {
            const float* vector = vectors + i * layout_.dimension;
            quantise(vector, layout_.dimension, codes_.data(), metrics);
            place(ids[i], shard, vector, metrics);
        }
        return Status::kOk;
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
}

// Cannot fail, and leaves the table of ids its room: a move between partitions inserts right after.
void FlatIndex::erase(uint32_t id, Location at) {
    Shard& shard = *shards_[at.shard];
    const size_t before = shard.bytes();
    const uint32_t moved = shard.remove(layout_, at.row);
    if (moved != kReservedNumber) locations_.find(moved)->row = at.row;
    locations_.erase(id);
    bytes_ -= before;
    if (shard.size() != 0) {
        bytes_ += shard.bytes();
        return;
    }
    partitions_.erase(shard.partition());
    shards_[at.shard].reset();
    free_shards_.push_back(at.shard);
}

Status FlatIndex::remove(uint32_t id, bool& removed) {
    removed = false;
    const Location* found = locations_.find(id);
    if (found == nullptr) return Status::kOk;
    try {
        const size_t size = shards_[found->shard]->size();
        own(found->shard, found->row, found->row + 1);
        own(found->shard, size - 1, size);
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
    erase(id, *found);
    locations_.shrink();
    partitions_.shrink();
    removed = true;
    return Status::kOk;
}

std::unique_ptr<FlatBatch> FlatIndex::batch(uint32_t partition, Status& status) {
    try {
        const uint32_t* number = partitions_.find(partition);
        Shard rows = number == nullptr ? Shard(partition) : *shards_[*number];
        std::unique_ptr<FlatBatch> made(new FlatBatch(kernels_, layout_, std::move(rows), ground_));
        status = Status::kOk;
        return made;
    } catch (const std::bad_alloc&) {
        status = Status::kOutOfMemory;
        return nullptr;
    }
}

const float* FlatIndex::read(uint32_t id) {
    const Location* at = locations_.find(id);
    return at == nullptr ? nullptr : shards_[at->shard]->vector(layout_, at->row);
}

size_t FlatIndex::partition_size(uint32_t partition) {
    const uint32_t* number = partitions_.find(partition);
    return number == nullptr ? 0 : shards_[*number]->size();
}

uint32_t FlatIndex::partition_of(uint32_t id) {
    const Location* at = locations_.find(id);
    return at == nullptr ? kReservedNumber : shards_[at->shard]->partition();
}

void FlatIndex::partitions(std::vector<uint32_t>& out) const {
    for (const std::unique_ptr<Shard>& shard : shards_) {
        if (shard != nullptr && shard->size() > 0) out.push_back(shard->partition());
    }
}

void FlatIndex::ids_in(uint32_t partition, std::vector<uint32_t>& out) {
    const uint32_t* number = partitions_.find(partition);
    if (number == nullptr) return;
    const Shard& shard = *shards_[*number];
    out.reserve(out.size() + shard.size());
    for (uint32_t row = 0; row < shard.size(); ++row) out.push_back(shard.id(layout_, row));
}

void FlatIndex::clear() {
    locations_ = {};
    partitions_ = {};
    std::vector<std::unique_ptr<Shard>>().swap(shards_);
    std::vector<uint32_t>().swap(free_shards_);
    ground_.reset();
    bytes_ = 0;
}

void FlatIndex::clear(uint32_t partition) {
    const uint32_t* found = partitions_.find(partition);
    if (found == nullptr) return;
    const uint32_t number = *found;
    Shard& shard = *shards_[number];
    for (size_t row = 0; row < shard.size(); ++row) {
        locations_.erase(shard.id(layout_, static_cast<uint32_t>(row)));
    }
    bytes_ -= shard.bytes();
    partitions_.erase(partition);
    shards_[number].reset();
    free_shards_.push_back(number);
    partitions_.shrink();
    locations_.shrink();
}

}  // namespace llm_cache
