// Rows of lists as arrays, and lists over such arrays.
#include "ivfpq_state.hpp"

#include <algorithm>
#include <new>

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
    if (rows != head.rows || blocks > kReservedNumber / kCodeRows ||
        counts[7] != blocks * shape.pq().block_bytes()) {
        return false;
    }
    const auto is_number = [](uint32_t number) { return number < kReservedNumber; };
    return std::all_of(state.ids, state.ids + rows, is_number) &&
           std::all_of(state.partitions, state.partitions + rows, is_number) &&
           format.holds(state.kept, state.scales, rows);
}

}  // namespace

IvfSnapshot::IvfSnapshot(const IvfLists& lists, const uint32_t* numbers, size_t count,
                         std::vector<bool>& taken)
    : lists_(lists), reader_(lists.epochs_), numbers_(numbers) {
    ends_.reserve(lists.lists_.size());
    lengths_.reserve(lists.lists_.size());
    for (const IvfLists::List& list : lists.lists_) {
        const IvfLists::Table* table = list.table.load(std::memory_order_acquire);
        const size_t entries = table == nullptr ? 0 : table->count.load(std::memory_order_acquire);
        const size_t before = rows_;
        for (size_t i = 0; i < entries; ++i) {
            const IvfLists::Entry& entry = table->entries[i];
            // In this order: the codes are then at least as new as the bits.
            const uint32_t alive = entry.alive.load(std::memory_order_acquire);
            const uint8_t* codes = entry.codes.load(std::memory_order_acquire);
            uint32_t rows = 0;
            for (size_t row = 0; row < kCodeRows; ++row) {
                if ((alive >> row & 1) == 0) continue;
                const uint32_t id = entry.block->ids[row];
                const uint32_t number = id < count ? numbers[id] : kReservedNumber;
                if (number >= taken.size() || taken[number]) continue;
                taken[number] = true;
                rows |= uint32_t{1} << row;
                ++rows_;
            }
            if (rows != 0) pieces_.push_back({entry.block, codes, rows});
        }
        ends_.push_back(pieces_.size());
        lengths_.push_back(static_cast<uint32_t>(rows_ - before));
    }
}

IvfStateHead IvfSnapshot::head() const {
    const IvfQuantiser& made = quantiser();
    return {made.shape(), lists_.format().rescore, made.is_rotated(), made.error(), rows_};
}

// Calls visit(piece, row within its block, row within the list).
template <typename Visit>
void IvfSnapshot::each_row(size_t list, const Visit& visit) const {
    size_t at = 0;
    for (size_t i = list == 0 ? 0 : ends_[list - 1]; i < ends_[list]; ++i) {
        for (size_t row = 0; row < kCodeRows; ++row) {
            if ((pieces_[i].rows >> row & 1) != 0) visit(pieces_[i], row, at++);
        }
    }
}

void IvfSnapshot::ids(size_t list, uint32_t* out) const {
    each_row(list, [&](const Piece& piece, size_t row, size_t at) {
        out[at] = numbers_[piece.block->ids[row]];
    });
}

void IvfSnapshot::partitions(size_t list, uint32_t* out) const {
    each_row(list, [&](const Piece& piece, size_t row, size_t at) {
        out[at] = piece.block->partitions[row];
    });
}

void IvfSnapshot::scales(size_t list, float* out) const {
    each_row(list, [&](const Piece& piece, size_t row, size_t at) {
        out[at] = lists_.scale_of(piece.block, row);
    });
}

void IvfSnapshot::codes(size_t list, uint8_t* out) const {
    const size_t bytes = lists_.codes_bytes_;
    std::fill_n(out, code_blocks(lengths_[list]) * bytes, uint8_t{0});
    each_row(list, [&](const Piece& piece, size_t row, size_t at) {
        uint8_t* to = out + at / kCodeRows * bytes + at % kCodeRows;
        for (size_t i = 0; i < bytes; i += kCodeRows) to[i] = piece.codes[i + row];
    });
}

void IvfSnapshot::kept(size_t list, uint8_t* out) const {
    const size_t bytes = lists_.format().bytes();
    each_row(list, [&](const Piece& piece, size_t row, size_t at) {
        std::copy_n(lists_.row_of(piece.block, row), bytes, out + at * bytes);
    });
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
    size_t blocks = 0;
    for (size_t number = 0; number < lists_.size(); ++number) {
        blocks += code_blocks(state.lengths[number]);
    }
    blocks_.reserve(blocks);
    size_t first = 0;
    const uint8_t* codes = state.codes;
    for (size_t number = 0; number < lists_.size(); ++number) {
        List& list = lists_[number];
        const size_t end = first + state.lengths[number];
        if (first == end) continue;
        auto table = std::make_unique<Table>(static_cast<uint32_t>(code_blocks(end - first)));
        table_bytes_ += sizeof(Table) + table->capacity * sizeof(Entry);
        list.table.store(table.release(), std::memory_order_relaxed);
        for (; first < end; codes += codes_bytes_) {
            const size_t count = std::min(kCodeRows, end - first);
            if (!borrow_block(list, static_cast<uint32_t>(number), state, first, count, codes)) {
                return false;
            }
            first += count;
        }
    }
    return true;
}

bool IvfLists::borrow_block(List& list, uint32_t number, const IvfState& state, size_t first,
                            size_t count, const uint8_t* codes) {
    OwnedBlock block = make_block(number, true);
    Table* table = list.table.load(std::memory_order_relaxed);
    const uint32_t index = table->count.load(std::memory_order_relaxed);
    // Never written: a borrowed block takes no rows.
    block->ids = const_cast<uint32_t*>(state.ids + first);
    block->partitions = const_cast<uint32_t*>(state.partitions + first);
    block->scales = const_cast<float*>(state.scales + first);
    block->rows = const_cast<uint8_t*>(state.kept + first * format_.bytes());
    block->index = index;
    block->used = kAllRows;
    partitions_.reserve(count);
    for (size_t row = 0; row < count; ++row) {
        const uint32_t id = block->ids[row];
        if (slots_.find(id) != kReservedNumber) return false;
        slots_.reserve(id);
        adopt_row(id, block->partitions[row],
                  static_cast<uint32_t>(block->number * kCodeRows + row));
    }
    adopt(block.get());
    list.rows += static_cast<uint32_t>(count);
    Entry& entry = table->entries[index];
    entry.block = block.release();
    entry.codes.store(const_cast<uint8_t*>(codes), std::memory_order_relaxed);
    entry.alive.store(count == kCodeRows ? kAllRows : (uint32_t{1} << count) - 1,
                      std::memory_order_relaxed);
    table->count.store(index + 1, std::memory_order_release);
    return true;
}

void IvfLists::copy_ids(std::vector<uint32_t>& out) const {
    out.reserve(out.size() + size());
    for (const List& list : lists_) {
        const Table* table = list.table.load(std::memory_order_relaxed);
        for (size_t i = 0; i < entries_of(list); ++i) {
            const Entry& entry = table->entries[i];
            const uint32_t alive = entry.alive.load(std::memory_order_relaxed);
            for (size_t row = 0; row < kCodeRows; ++row) {
                if ((alive >> row & 1) != 0) out.push_back(entry.block->ids[row]);
            }
        }
    }
}

}  // namespace llm_cache
