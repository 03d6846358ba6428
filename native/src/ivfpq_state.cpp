// Export and import of lists.
#include "ivfpq_state.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "ivfpq_lists.hpp"

namespace llm_cache {
namespace {

constexpr uint32_t kAllRows = 0xffffffffu;

// Whether the arrays are as long as the head says; no sum or product here can overflow.
bool fits(const IvfState& state) {
    const IvfStateHead& head = state.head;
    const IvfShape& shape = head.shape;
    if (head.rescore > Rescore::kFloat16 || head.rows >= kReservedNumber) return false;
    const RowFormat format = {head.rescore, shape.dimension};
    const size_t square = head.rotated ? shape.dimension * shape.dimension : 0;
    const size_t* counts = state.counts;
    if (counts[0] != shape.nlist * shape.dimension || counts[1] != shape.pq().codebook_length() ||
        counts[2] != square || counts[3] != shape.nlist || counts[4] != head.rows ||
        counts[5] != head.rows || counts[6] != head.rows ||
        counts[8] != head.rows * format.bytes()) {
        return false;
    }
    size_t rows = 0;
    size_t blocks = 0;
    for (size_t i = 0; i < shape.nlist; ++i) {
        rows += state.lengths[i];
        blocks += code_blocks(state.lengths[i]);
    }
    if (rows != head.rows || counts[7] != blocks * shape.pq().block_bytes()) return false;
    const auto is_number = [](uint32_t number) { return number < kReservedNumber; };
    return std::all_of(state.ids, state.ids + rows, is_number) &&
           std::all_of(state.partitions, state.partitions + rows, is_number) &&
           format.holds(state.kept, state.scales, rows);
}

}  // namespace

void IvfLists::export_state(IvfStateSink& sink) const {
    const IvfShape& shape = quantiser_->shape();
    sink.head({shape, format_.rescore, quantiser_->is_rotated(), quantiser_->error(), size()});
    std::vector<float> centroids(shape.nlist * shape.dimension);
    std::vector<float> codebooks(shape.pq().codebook_length());
    std::vector<float> rotation(quantiser_->is_rotated() ? shape.dimension * shape.dimension : 0);
    quantiser_->read_centroids(centroids.data());
    quantiser_->pq().read_codebooks(codebooks.data());
    if (!rotation.empty()) quantiser_->read_rotation(rotation.data());
    sink.quantiser(centroids.data(), codebooks.data(),
                   rotation.empty() ? nullptr : rotation.data());
    std::vector<uint32_t> lengths;
    lengths.reserve(lists_.size());
    for (const List& list : lists_) lengths.push_back(list.rows);
    sink.lengths(lengths.data());
    std::vector<uint32_t> ids;
    std::vector<uint32_t> partitions;
    std::vector<float> scales;
    std::vector<uint8_t> codes;
    std::vector<uint8_t> kept;
    for (const List& list : lists_) {
        ids.resize(list.rows);
        partitions.resize(list.rows);
        scales.resize(list.rows);
        codes.assign(code_blocks(list.rows) * codes_bytes_, 0);
        kept.resize(list.rows * format_.bytes());
        const Table* table = list.table.load(std::memory_order_relaxed);
        size_t to = 0;
        for (size_t i = 0; i < entries_of(list); ++i) {
            const Entry& entry = table->entries[i];
            const uint32_t alive = entry.alive.load(std::memory_order_relaxed);
            const uint8_t* packed = entry.codes.load(std::memory_order_relaxed);
            for (size_t row = 0; row < kCodeRows; ++row) {
                if ((alive >> row & 1) == 0) continue;
                ids[to] = entry.block->ids[row];
                partitions[to] = entry.block->partitions[row];
                scales[to] = entry.block->scales[row];
                uint8_t* block = codes.data() + to / kCodeRows * codes_bytes_ + to % kCodeRows;
                for (size_t at = 0; at < codes_bytes_; at += kCodeRows) {
                    block[at] = packed[at + row];
                }
                const uint8_t* from = row_of(entry.block, row);
                std::copy_n(from, format_.bytes(), kept.data() + to * format_.bytes());
                ++to;
            }
        }
        sink.list(list.rows, ids.data(), partitions.data(), scales.data(), codes.data(),
                  kept.data());
    }
}

std::unique_ptr<IvfLists> IvfLists::import_state(const Kernels& kernels, const IvfState& state,
                                                 Status& status) {
    const IvfStateHead& head = state.head;
    status = IvfQuantiser::check(head.shape);
    if (status != Status::kOk) return nullptr;
    status = Status::kDamaged;
    if (!fits(state)) return nullptr;
    const auto quantiser =
        IvfQuantiser::create(kernels, head.shape, state.centroids, state.codebooks,
                             head.rotated ? state.rotation : nullptr, head.error, status);
    if (quantiser == nullptr) return nullptr;
    try {
        auto lists = std::make_unique<IvfLists>(quantiser, head.rescore);
        if (lists->borrow(state)) return lists;
        status = Status::kDamaged;
    } catch (const std::bad_alloc&) {
        status = Status::kOutOfMemory;
    }
    return nullptr;
}

// False when an id comes twice.
bool IvfLists::borrow(const IvfState& state) {
    size_t first = 0;
    const uint8_t* codes = state.codes;
    for (size_t number = 0; number < lists_.size(); ++number) {
        const size_t end = first + state.lengths[number];
        for (; first < end; codes += codes_bytes_) {
            const size_t count = std::min(kCodeRows, end - first);
            for (size_t i = first; i < first + count; ++i) {
                if (slots_.find(state.ids[i]) != kReservedNumber) return false;
                slots_.reserve(state.ids[i]);
                // Held by a number that is none until the block stands.
                slots_.set(state.ids[i], kReservedNumber - 1);
            }
            borrow_block(lists_[number], static_cast<uint32_t>(number), state, first, count, codes);
            first += count;
        }
    }
    return true;
}

void IvfLists::borrow_block(List& list, uint32_t number, const IvfState& state, size_t first,
                            size_t count, const uint8_t* codes) {
    // Without kept rows any address tells that the block is borrowed.
    const uint8_t* kept = format_.bytes() == 0 ? codes : state.kept + first * format_.bytes();
    OwnedBlock block = make_block(number, kept);
    Table* table = list.table.load(std::memory_order_relaxed);
    if (table == nullptr || entries_of(list) == table->capacity) {
        reserve_retired(1);
        grow(list);
        table = list.table.load(std::memory_order_relaxed);
    }
    partitions_.reserve(count);
    for (size_t row = 0; row < count; ++row) {
        block->ids[row] = state.ids[first + row];
        block->partitions[row] = state.partitions[first + row];
        block->scales[row] = state.scales[first + row];
        adopt_row(block->ids[row], block->partitions[row],
                  static_cast<uint32_t>(block->number * kCodeRows + row));
    }
    const uint32_t index = table->count.load(std::memory_order_relaxed);
    block->index = index;
    block->used = kAllRows;
    adopt(block.get());
    list.rows += static_cast<uint32_t>(count);
    Entry& entry = table->entries[index];
    entry.block = block.release();
    // Never written: a borrowed block takes no rows.
    entry.codes.store(const_cast<uint8_t*>(codes), std::memory_order_relaxed);
    entry.alive.store(count == kCodeRows ? kAllRows : (uint32_t{1} << count) - 1,
                      std::memory_order_relaxed);
    table->count.store(index + 1, std::memory_order_release);
}

}  // namespace llm_cache
