// Writing a flat index's rows, and taking them over from the file's memory.
#include "flat_state.hpp"

#include <algorithm>
#include <new>

#include "file.hpp"

namespace llm_cache {
namespace {

// What a row and a partition take beside the file at most: slots of two tables, a shard, its
// chunks.
constexpr uint64_t kRowCost = 48;
constexpr uint64_t kPartitionCost = 1024;
// The codes of a row and the forms of a query, padded.
constexpr uint64_t kComponentCost = 6 * kPadding;

}  // namespace

FlatStateWriter::FlatStateWriter(StateSink& sink, size_t dimension)
    : container_(sink, kFlatKind), layout_(dimension), codes_(layout_.padded) {
    container_.begin(kRowsTag, Element::kUint8);
}

void FlatStateWriter::flush() {
    if (chunk_ != nullptr) container_.add(chunk_->image(), chunk_->image_bytes());
    chunk_size_ = 0;
}

Status FlatStateWriter::add(uint32_t id, uint32_t partition, const float* vector) {
    if (id == kReservedNumber || partition == kReservedNumber) return Status::kReservedNumber;
    Quantised metrics;
    const Status status = quantise(vector, layout_.dimension, codes_.data(), metrics);
    if (status != Status::kOk) return status;
    try {
        const bool is_first =
            partitions_.empty() || partitions_[partitions_.size() - 2] != partition;
        if (is_first) partitions_.reserve(partitions_.size() * 2 + 2);
        if (is_first || chunk_size_ == chunk_->rows()) {
            const size_t before = is_first ? 0 : chunk_->rows();
            auto next = std::make_unique<Chunk>(layout_, Shard::next_rows(layout_, before));
            Shard::vacate(layout_, *next);
            // Rows and ids that no scan finds are in the file too.
            std::fill_n(next->vector(layout_, 0), next->rows() * layout_.padded, 0.0f);
            std::fill_n(next->ids(), next->rows(), 0);
            flush();
            chunk_ = std::move(next);
        }
        if (is_first) partitions_.insert(partitions_.end(), {partition, 0});
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
    Shard::fill(layout_, *chunk_, chunk_size_++, id, vector, codes_.data(), metrics);
    ++partitions_.back();
    ++rows_;
    return Status::kOk;
}

Status FlatStateWriter::finish_rows() {
    flush();
    chunk_.reset();
    container_.section(kPartitionsTag, partitions_.data(), partitions_.size());
    container_.set_count(0, layout_.dimension);
    container_.set_count(1, rows_);
    return Status::kOk;
}

std::unique_ptr<FlatIndex> FlatIndex::adopt(const Kernels& kernels, const ContainerReader& reader,
                                            std::shared_ptr<uint8_t> ground, uint64_t budget,
                                            Status& status) {
    const uint64_t dimension = reader.count(0);
    status = Status::kDamaged;
    if (dimension == 0 || dimension > kGreatestDimension) return nullptr;
    status = Status::kOverBudget;
    if (dimension * kComponentCost + sizeof(FlatIndex) + kPartitionCost > budget) return nullptr;
    try {
        std::unique_ptr<FlatIndex> index(new FlatIndex(kernels, static_cast<size_t>(dimension)));
        status = index->adopt_shards(reader, budget);
        if (status != Status::kOk) return nullptr;
        index->ground_ = std::move(ground);
        return index;
    } catch (const std::bad_alloc&) {
        status = Status::kOutOfMemory;
        return nullptr;
    }
}

Status FlatIndex::adopt_shards(const ContainerReader& reader, uint64_t budget) {
    StateSpan<uint32_t> partitions;
    StateSpan<uint8_t> images;
    if (reader.find(kPartitionsTag, partitions) != Status::kOk ||
        reader.find(kRowsTag, images) != Status::kOk || partitions.count % 2 != 0) {
        return Status::kDamaged;
    }
    // Before anything is allocated: the rows lie in the file, so their number is bounded by it.
    size_t rows = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < partitions.count; i += 2) {
        const size_t more = partitions.data[i + 1];
        if (more == 0 || more > images.count / layout_.padded) return Status::kDamaged;
        rows += more;
        bytes += Shard::image_bytes(layout_, more);
        if (bytes > images.count) return Status::kDamaged;
    }
    const size_t count = partitions.count / 2;
    if (bytes != images.count || rows != reader.count(1)) return Status::kDamaged;
    const uint64_t fixed = dimension() * kComponentCost + sizeof *this + kPartitionCost;
    if (fixed + rows * kRowCost + count * kPartitionCost > budget) return Status::kOverBudget;
    locations_.reserve(rows);
    partitions_.reserve(count);
    shards_.reserve(count);
    free_shards_.reserve(count + 1);
    // The owner of the ground lets this index write to it.
    uint8_t* image = const_cast<uint8_t*>(images.data);
    for (uint32_t number = 0; number < count; ++number) {
        const uint32_t partition = partitions.data[2 * number];
        const size_t size = partitions.data[2 * number + 1];
        if (partition == kReservedNumber || partitions_.find(partition) != nullptr) {
            return Status::kDamaged;
        }
        auto shard = std::make_unique<Shard>(partition);
        const Status status = shard->adopt(layout_, size, image);
        if (status != Status::kOk) return status;
        for (uint32_t row = 0; row < size; ++row) {
            const uint32_t id = shard->id(layout_, row);
            if (id == kReservedNumber || locations_.find(id) != nullptr) return Status::kDamaged;
            locations_.insert(id, {number, row});
        }
        image += Shard::image_bytes(layout_, size);
        partitions_.insert(partition, number);
        bytes_ += shard->bytes();
        shards_.push_back(std::move(shard));
    }
    return Status::kOk;
}

Status open_rows(const Kernels& kernels, const std::string& path, size_t dimension,
                 uint64_t checksum, FlatFile& file, ContainerReader& reader) {
    constexpr uint64_t kUnbounded = ~uint64_t{};
    Status status;
    size_t length = 0;
    file.ground = map_file(path, length, status);
    if (file.ground == nullptr) return status;
    status = reader.open(file.ground.get(), length, kFlatKind, kUnbounded);
    if (status != Status::kOk) return status;
    if (reader.checksum() != checksum || reader.count(0) != dimension) return Status::kForeign;
    status = reader.verify();
    if (status == Status::kOk) status = file.names.open(reader);
    if (status != Status::kOk) return status;
    // What an index allocates besides is in proportion to the rows that the file really has.
    file.index = FlatIndex::adopt(kernels, reader, file.ground, kUnbounded, status);
    return status;
}

Status open_flat_file(const Kernels& kernels, const std::string& path, size_t dimension,
                      uint64_t checksum, FlatFile& file) {
    ContainerReader reader;
    const Status status = open_rows(kernels, path, dimension, checksum, file, reader);
    if (status != Status::kOk) return status;
    if (file.index->size() != file.names.size()) return Status::kDamaged;
    for (uint32_t id = 0; id < file.names.size(); ++id) {
        if (!file.index->has(id)) return Status::kDamaged;
    }
    return Status::kOk;
}

}  // namespace llm_cache
