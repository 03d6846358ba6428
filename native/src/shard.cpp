// Chunk memory, the interleaving of codes and the arithmetic from a row's number to its chunk.
#include "shard.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>

#include "number_map.hpp"

namespace llm_cache {
namespace {

constexpr size_t kLeastRows = kBlockRows;
constexpr size_t kGreatestRows = 1024;
constexpr size_t kChunkBytes = size_t{4} << 20;
constexpr std::align_val_t kAlignment{64};

size_t component_bytes(Storage storage) {
    switch (storage) {
        case Storage::kFloat32:
            return sizeof(float);
        case Storage::kFloat16:
            return sizeof(uint16_t);
        case Storage::kInt8:
            break;
    }
    return 0;
}

size_t round_up(size_t value, size_t step) { return (value + step - 1) / step * step; }

// The low half of each of four bytes.
constexpr uint32_t kLow = 0x0f0f0f0fu;

// The codes of four components with their bias, a byte each.
uint32_t biased_codes(const int8_t* codes) {
    uint32_t four;
    std::memcpy(&four, codes, sizeof four);
    return four ^ 0x80808080u;
}

}  // namespace

// Where a row's parts are within its blocks.
struct Shard::Lane {
    uint8_t* coarse;
    uint8_t* fine;
    float* metrics;

    float& metric(Metric which) const { return metrics[which * kBlockRows]; }

    // A row that no scan finds, whatever its threshold.
    void vacate() const {
        metric(kScale) = 0;
        metric(kNorm) = 0;
        metric(kError) = -std::numeric_limits<float>::infinity();
        metric(kCoarseError) = -std::numeric_limits<float>::infinity();
    }
};

RowLayout::RowLayout(size_t dimension, Storage storage)
    : dimension(dimension),
      storage(storage),
      padded(round_up(dimension, kPadding)),
      groups(padded / 4),
      stored(padded * component_bytes(storage)),
      coarse(coarse_bytes(groups)),
      fine(half_bytes(groups)),
      chunk_rows(kGreatestRows) {
    const size_t row_bytes = (coarse + fine) / kBlockRows + stored + sizeof(uint32_t);
    while (chunk_rows > kLeastRows && chunk_rows * row_bytes > kChunkBytes) chunk_rows /= 2;
    for (size_t rows = kLeastRows; rows < chunk_rows; rows *= 2) ++growing_chunks;
    while (size_t{1} << chunk_shift < chunk_rows) ++chunk_shift;
}

Chunk::Chunk(const RowLayout& layout, size_t rows, uint8_t* memory)
    : rows_(rows),
      fine_(rows / kBlockRows * layout.coarse),
      stored_(fine_ + rows / kBlockRows * layout.fine),
      ids_(stored_ + rows * layout.stored),
      bytes_(bytes_for(layout, rows)),
      borrowed_(true),
      memory_(memory, [](uint8_t*) {}) {}

Chunk::Chunk(const RowLayout& layout, size_t rows) : Chunk(layout, rows, Uninitialised{}) {
    std::memset(memory_.get(), 0, stored_);
}

Chunk::Chunk(const RowLayout& layout, size_t rows, Uninitialised) : Chunk(layout, rows, nullptr) {
    const auto release = [](uint8_t* memory) { ::operator delete[](memory, kAlignment); };
    memory_.reset(static_cast<uint8_t*>(::operator new[](bytes_, kAlignment)), release);
    borrowed_ = false;
}

Chunk Chunk::clone(const RowLayout& layout) const {
    Chunk copy(layout, rows_, Uninitialised{});
    std::memcpy(copy.memory_.get(), memory_.get(), bytes_);
    return copy;
}

size_t Chunk::bytes_for(const RowLayout& layout, size_t rows) {
    return rows / kBlockRows * (layout.coarse + layout.fine) +
           rows * (layout.stored + sizeof(uint32_t));
}

Shard::Lane Shard::lane(const RowLayout& layout, const Place& at) const {
    return lane(layout, chunks_[at.chunk], at.row);
}

Shard::Lane Shard::lane(const RowLayout& layout, const Chunk& chunk, size_t row) {
    const size_t block = row / kBlockRows;
    const size_t lane = row % kBlockRows;
    uint8_t* coarse = chunk.coarse() + block * layout.coarse;
    return {coarse + lane * 4, chunk.fine() + block * layout.fine + lane * 4,
            reinterpret_cast<float*>(coarse + layout.fine) + lane};
}

size_t Shard::bytes() const {
    size_t sum = sizeof *this + chunks_.capacity() * sizeof(Chunk);
    for (const Chunk& chunk : chunks_) sum += chunk.bytes();
    return sum;
}

Shard::Place Shard::place(const RowLayout& layout, size_t row) {
    // Chunks of 16, 32, ... before the first of full size hold chunk_rows - 16 rows together.
    const size_t growing = layout.chunk_rows - kLeastRows;
    if (row >= growing) {
        const size_t beyond = row - growing;
        return {layout.growing_chunks + (beyond >> layout.chunk_shift),
                beyond & (layout.chunk_rows - 1)};
    }
    size_t chunk = 0;
    size_t first = 0;
    size_t rows = kLeastRows;
    while (row >= first + rows) {
        first += rows;
        rows *= 2;
        ++chunk;
    }
    return {chunk, row - first};
}

void Shard::own(const RowLayout& layout, size_t first, size_t end) {
    for (size_t row = first; row < std::min(end, capacity_);) {
        const Place at = place(layout, row);
        Chunk& chunk = chunks_[at.chunk];
        if (chunk.is_shared()) chunk = chunk.clone(layout);
        row += chunk.rows() - at.row;
    }
}

void Shard::reserve(const RowLayout& layout, size_t more) {
    own(layout, size_, size_ + more);
    while (size_ + more > capacity_) {
        const size_t rows = next_rows(layout, chunks_.empty() ? 0 : chunks_.back().rows());
        chunks_.emplace_back(layout, rows);
        vacate(layout, chunks_.back());
        capacity_ += rows;
    }
}

void Shard::write(const RowLayout& layout, uint32_t row, uint32_t id, const RowImage& image) {
    const Place at = place(layout, row);
    fill(layout, chunks_[at.chunk], at.row, id, image);
}

void Shard::fill(const RowLayout& layout, const Chunk& chunk, size_t row, uint32_t id,
                 const RowImage& image) {
    const Lane out = lane(layout, chunk, row);
    const int8_t* codes = image.codes;
    for (size_t byte = 0; byte < layout.fine; byte += 4 * kBlockRows, codes += 8) {
        const uint32_t first = biased_codes(codes);
        const uint32_t second = biased_codes(codes + 4);
        const uint32_t coarse = ((first >> 4) & kLow) | (second & ~kLow);
        const uint32_t fine = (first & kLow) | ((second & kLow) << 4);
        std::memcpy(out.coarse + byte, &coarse, sizeof coarse);
        std::memcpy(out.fine + byte, &fine, sizeof fine);
    }
    out.metric(kScale) = image.metrics.scale;
    out.metric(kNorm) = image.metrics.norm;
    out.metric(kError) = image.metrics.error;
    out.metric(kCoarseError) = image.metrics.coarse_error;
    // A zero of any storage is zero bytes.
    const size_t bytes = layout.stored / layout.padded * layout.dimension;
    uint8_t* copy = chunk.stored(layout, row);
    std::memcpy(copy, image.stored, bytes);
    std::memset(copy + bytes, 0, layout.stored - bytes);
    chunk.ids()[row] = id;
}

uint32_t Shard::append(const RowLayout& layout, uint32_t id, const RowImage& image) {
    const uint32_t row = static_cast<uint32_t>(size_++);
    write(layout, row, id, image);
    return row;
}

uint32_t Shard::remove(const RowLayout& layout, uint32_t row) {
    const uint32_t last = static_cast<uint32_t>(size_ - 1);
    const Place from = place(layout, last);
    const Lane source = lane(layout, from);
    uint32_t moved = kReservedNumber;
    if (row != last) {
        const Place to = place(layout, row);
        const Lane target = lane(layout, to);
        for (size_t byte = 0; byte < layout.fine; byte += 4 * kBlockRows) {
            std::memcpy(target.coarse + byte, source.coarse + byte, 4);
            std::memcpy(target.fine + byte, source.fine + byte, 4);
        }
        for (size_t i = 0; i < kMetrics; ++i) {
            const Metric which = static_cast<Metric>(i);
            target.metric(which) = source.metric(which);
        }
        std::memcpy(chunks_[to.chunk].stored(layout, to.row),
                    chunks_[from.chunk].stored(layout, from.row), layout.stored);
        moved = chunks_[from.chunk].ids()[from.row];
        chunks_[to.chunk].ids()[to.row] = moved;
    }
    source.vacate();
    --size_;
    const size_t in_use = chunks_in_use(layout);
    while (chunks_.size() > in_use + 1) {
        capacity_ -= chunks_.back().rows();
        chunks_.pop_back();
    }
    return moved;
}

size_t Shard::first_row(const RowLayout& layout, size_t chunk) {
    size_t first = 0;
    size_t rows = kLeastRows;
    for (; chunk > 0 && rows < layout.chunk_rows; --chunk) {
        first += rows;
        rows *= 2;
    }
    return first + chunk * rows;
}

void Shard::vacate(const RowLayout& layout, const Chunk& chunk) {
    for (size_t row = 0; row < chunk.rows(); ++row) lane(layout, chunk, row).vacate();
}

size_t Shard::next_rows(const RowLayout& layout, size_t rows) {
    return rows == 0 ? kLeastRows : std::min(rows * 2, layout.chunk_rows);
}

size_t Shard::image_bytes(const RowLayout& layout, size_t rows) {
    size_t bytes = 0;
    for (size_t held = 0, chunk = 0; held < rows; held += chunk) {
        chunk = next_rows(layout, chunk);
        bytes += Chunk::bytes_for(layout, chunk);
    }
    return bytes;
}

Status Shard::adopt(const RowLayout& layout, size_t size, uint8_t* images) {
    for (size_t rows = 0; capacity_ < size; capacity_ += rows) {
        rows = next_rows(layout, rows);
        chunks_.emplace_back(layout, rows, images);
        images += chunks_.back().image_bytes();
        const Status status = check(layout, chunks_.back(), std::min(rows, size - capacity_));
        if (status != Status::kOk) return status;
    }
    size_ = size;
    return Status::kOk;
}

// Codes may be anything. What bounds and products are computed from must be finite, so that they
// can be sorted; a row beyond the last must be one that no scan finds.
Status Shard::check(const RowLayout& layout, const Chunk& chunk, size_t rows) {
    // Rounded up from at most kGreatestNorm; the bounds of two such vectors stay finite.
    constexpr float kMost = static_cast<float>(kGreatestNorm) * 2;
    for (size_t row = 0; row < rows; ++row) {
        const Lane held = lane(layout, chunk, row);
        for (size_t i = 0; i < kMetrics; ++i) {
            const float metric = held.metric(static_cast<Metric>(i));
            if (!(metric >= 0 && metric <= kMost)) return Status::kDamaged;
        }
    }
    for (size_t row = rows; row < chunk.rows(); ++row) {
        const Lane held = lane(layout, chunk, row);
        const bool is_vacant = held.metric(kScale) == 0 && held.metric(kNorm) == 0 &&
                               std::isinf(held.metric(kError)) && held.metric(kError) < 0 &&
                               held.metric(kCoarseError) == held.metric(kError);
        if (!is_vacant) return Status::kDamaged;
    }
    const auto* vectors = reinterpret_cast<const float*>(chunk.stored(layout, 0));
    const Status status = check_vectors(vectors, rows, layout.padded);
    return status == Status::kOk ? status : Status::kDamaged;
}

bool CoarseHabit::pays() {
    if (skips_left_ == 0) return true;
    --skips_left_;
    return false;
}

void CoarseHabit::note(bool paid) {
    constexpr uint32_t kMostSkips = 63;
    // One hard query says nothing of the next one; two in a row may be the data.
    skips_ = paid ? 0 : std::min(skips_ * 2 + 1, kMostSkips);
    skips_left_ = skips_ / 2;
}

Blocks Shard::block(const RowLayout& layout, size_t block) const {
    const Place at = place(layout, block * kBlockRows);
    const Chunk& chunk = chunks_[at.chunk];
    const size_t number = at.row / kBlockRows;
    return {chunk.coarse() + number * layout.coarse, chunk.fine() + number * layout.fine, 1};
}

const uint8_t* Shard::stored(const RowLayout& layout, uint32_t row) const {
    const Place at = place(layout, row);
    return chunks_[at.chunk].stored(layout, at.row);
}

void Shard::decode(const RowLayout& layout, uint32_t row, float* out) const {
    const Lane from = lane(layout, place(layout, row));
    const float scale = from.metric(kScale);
    for (size_t byte = 0; byte < layout.fine; byte += 4 * kBlockRows, out += 8) {
        uint32_t coarse;
        uint32_t fine;
        std::memcpy(&coarse, from.coarse + byte, sizeof coarse);
        std::memcpy(&fine, from.fine + byte, sizeof fine);
        const uint32_t first = ((coarse & kLow) << 4) | (fine & kLow);
        const uint32_t second = (coarse & ~kLow) | ((fine >> 4) & kLow);
        for (size_t i = 0; i < 4; ++i) {
            out[i] = scale * static_cast<float>(static_cast<int32_t>(first >> (8 * i) & 255) - 128);
            out[i + 4] =
                scale * static_cast<float>(static_cast<int32_t>(second >> (8 * i) & 255) - 128);
        }
    }
}

uint32_t Shard::id(const RowLayout& layout, uint32_t row) const {
    const Place at = place(layout, row);
    return chunks_[at.chunk].ids()[at.row];
}

}  // namespace llm_cache
