// Changes of lists; searches stand in ivfpq_search.cpp, export and import in ivfpq_state.cpp.
#include "ivfpq_lists.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace llm_cache {
namespace {

constexpr std::align_val_t kBlockAlignment{64};
constexpr uint32_t kAllRows = 0xffffffffu;
// Numbers of rows stay below kReservedNumber.
constexpr size_t kMostBlocks = kReservedNumber / kCodeRows;

uint32_t lowest_bit(uint32_t mask) {
    uint32_t row = 0;
    while ((mask >> row & 1) == 0) ++row;
    return row;
}

void put_codes(uint8_t* block, size_t row, const uint8_t* code, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) block[i * kCodeRows + row] = code[i];
}

}  // namespace

void IvfLists::FreeBlock::operator()(Block* block) const {
    ::operator delete(block, kBlockAlignment);
}

IvfLists::IvfLists(std::shared_ptr<const IvfQuantiser> quantiser, Rescore rescore)
    : quantiser_(std::move(quantiser)),
      format_{rescore, quantiser_->shape().dimension},
      codes_bytes_(quantiser_->code_bytes() * kCodeRows),
      pool_(codes_bytes_),
      lists_(quantiser_->shape().nlist) {}

IvfLists::~IvfLists() {
    for (size_t i = first_retired_; i < retired_.size(); ++i) free(retired_[i]);
    for (List& list : lists_) delete list.table.load();
    for (Block* block : blocks_) FreeBlock()(block);
}

size_t IvfLists::bytes() const {
    return sizeof *this + quantiser_->bytes() + pool_.bytes() + lists_.size() * sizeof(List) +
           blocks_.capacity() * sizeof(blocks_[0]) + block_bytes_ + slots_.bytes() +
           partitions_.bytes() + retired_.capacity() * sizeof(Retired) + table_bytes_;
}

size_t IvfLists::partition_size(uint32_t partition) {
    const uint32_t* rows = partitions_.find(partition);
    return rows == nullptr ? 0 : *rows;
}

// Rows of a block that may be written now. Those that were removed lately may still be looked at.
uint32_t IvfLists::free_rows(const Entry& entry) const {
    const uint32_t alive = entry.alive.load(std::memory_order_relaxed);
    if (alive == kAllRows || entry.block->borrowed) return 0;
    return epochs_.is_past(entry.block->retired_at) ? ~alive : ~(alive | entry.block->used);
}

size_t IvfLists::bytes_of(const Block& block) const {
    return block.borrowed ? kIdOffset : row_offset() + kCodeRows * format_.bytes();
}

// A block with a number of its own that `adopt` takes. A borrowed one is still to be told of what.
IvfLists::OwnedBlock IvfLists::make_block(uint32_t list, bool borrowed) {
    if (free_numbers_.empty()) {
        blocks_.push_back(nullptr);
        try {
            free_numbers_.reserve(blocks_.capacity());
        } catch (...) {
            blocks_.pop_back();
            throw;
        }
        free_numbers_.push_back(static_cast<uint32_t>(blocks_.size() - 1));
    }
    Block form = {};
    form.borrowed = borrowed;
    void* memory = ::operator new(bytes_of(form), kBlockAlignment);
    OwnedBlock block(new (memory) Block(form));
    if (!borrowed) {
        uint8_t* bytes = static_cast<uint8_t*>(memory);
        block->ids = reinterpret_cast<uint32_t*>(bytes + kIdOffset);
        block->partitions = block->ids + kCodeRows;
        block->scales = reinterpret_cast<float*>(block->partitions + kCodeRows);
        block->rows = bytes + row_offset();
    }
    block->number = free_numbers_.back();
    block->list = list;
    return block;
}

void IvfLists::adopt(Block* block) {
    free_numbers_.pop_back();
    blocks_[block->number] = block;
    block_bytes_ += bytes_of(*block);
}

void IvfLists::write(Block* block, size_t row, uint8_t* codes, const IvfBatch& batch,
                     uint32_t from) {
    block->ids[row] = batch.ids[from];
    block->partitions[row] = batch.partitions[from];
    if (format_.is_scaled()) block->scales[row] = batch.scales[from];
    put_codes(codes, row, batch.codes.data() + from * batch.code_bytes, batch.code_bytes);
    if (batch.row_bytes > 0) {
        std::memcpy(row_of(block, row), batch.rows.data() + from * batch.row_bytes,
                    batch.row_bytes);
    }
    adopt_row(batch.ids[from], batch.partitions[from],
              static_cast<uint32_t>(block->number * kCodeRows + row));
}

void IvfLists::adopt_row(uint32_t id, uint32_t partition, uint32_t slot) {
    slots_.set(id, slot);
    if (uint32_t* rows = partitions_.find(partition)) {
        ++*rows;
    } else {
        partitions_.insert(partition, 1);
    }
}

// Puts rows into the places of a block that are free; how many.
size_t IvfLists::fill(Entry& entry, const IvfBatch& batch, const uint32_t* rows, size_t count) {
    uint32_t places = free_rows(entry);
    if (places == 0) return 0;
    uint8_t* codes = pool_.take();
    // Nothing fails from here on.
    uint8_t* before = entry.codes.load(std::memory_order_relaxed);
    std::memcpy(codes, before, codes_bytes_);
    uint32_t alive = entry.alive.load(std::memory_order_relaxed);
    if (epochs_.is_past(entry.block->retired_at)) entry.block->used = alive;
    size_t done = 0;
    for (; done < count && places != 0; ++done, places &= places - 1) {
        const uint32_t row = lowest_bit(places);
        write(entry.block, row, codes, batch, rows[done]);
        alive |= uint32_t{1} << row;
    }
    entry.block->used |= alive;
    entry.codes.store(codes, std::memory_order_release);
    entry.alive.store(alive, std::memory_order_release);
    retire(before, nullptr, nullptr);
    return done;
}

// Doubles the room of a list's table.
void IvfLists::grow(List& list) {
    Table* before = list.table.load(std::memory_order_relaxed);
    const uint32_t count = static_cast<uint32_t>(entries_of(list));
    auto table = std::make_unique<Table>(std::max<uint32_t>(4, count + count / 2));
    for (uint32_t i = 0; i < count; ++i) {
        const Entry& from = before->entries[i];
        Entry& to = table->entries[i];
        to.block = from.block;
        to.codes.store(from.codes.load(std::memory_order_relaxed), std::memory_order_relaxed);
        to.alive.store(from.alive.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    table->count.store(count, std::memory_order_relaxed);
    table_bytes_ += sizeof(Table) + table->capacity * sizeof(Entry);
    list.table.store(table.release(), std::memory_order_release);
    if (before != nullptr) retire(nullptr, nullptr, before);
}

// Puts rows into a new block; how many.
size_t IvfLists::append(List& list, const IvfBatch& batch, const uint32_t* rows, size_t count) {
    OwnedBlock block = make_block(batch.lists[rows[0]], false);
    Table* table = list.table.load(std::memory_order_relaxed);
    if (table == nullptr || entries_of(list) == table->capacity) {
        grow(list);
        table = list.table.load(std::memory_order_relaxed);
    }
    uint8_t* codes = pool_.take();
    std::memset(codes, 0, codes_bytes_);
    const uint32_t index = table->count.load(std::memory_order_relaxed);
    const size_t size = std::min(count, kCodeRows);
    block->index = index;
    for (size_t row = 0; row < size; ++row) write(block.get(), row, codes, batch, rows[row]);
    const uint32_t alive = size == kCodeRows ? kAllRows : (uint32_t{1} << size) - 1;
    block->used = alive;
    adopt(block.get());
    Entry& entry = table->entries[index];
    entry.block = block.release();
    entry.codes.store(codes, std::memory_order_relaxed);
    entry.alive.store(alive, std::memory_order_relaxed);
    table->count.store(index + 1, std::memory_order_release);
    return size;
}

Status IvfLists::insert(const IvfBatch& batch, const uint32_t* rows, size_t count, size_t& added) {
    added = 0;
    if (count == 0) return Status::kOk;
    collect();
    List& list = lists_[batch.lists[rows[0]]];
    const auto forget = [&] {
        for (size_t i = added; i < count; ++i) slots_.unreserve(batch.ids[rows[i]]);
    };
    try {
        partitions_.reserve(count);
        for (size_t i = 0; i < count; ++i) slots_.reserve(batch.ids[rows[i]]);
        // One table and as many replaced codes as there are blocks with room.
        reserve_retired(entries_of(list) + 1);
        const size_t blocks = entries_of(list);
        for (size_t i = blocks; i > 0 && added < count; --i) {
            Entry& entry = list.table.load(std::memory_order_relaxed)->entries[i - 1];
            const size_t done = fill(entry, batch, rows + added, count - added);
            added += done;
            list.rows += static_cast<uint32_t>(done);
        }
        while (added < count) {
            if (blocks_.size() - free_numbers_.size() >= kMostBlocks) {
                forget();
                return Status::kFull;
            }
            reserve_retired(1);
            const size_t done = append(list, batch, rows + added, count - added);
            added += done;
            list.rows += static_cast<uint32_t>(done);
        }
    } catch (const std::bad_alloc&) {
        forget();
        return Status::kOutOfMemory;
    }
    return Status::kOk;
}

void IvfLists::take_out(Entry& entry, size_t row) {
    Block* block = entry.block;
    slots_.erase(block->ids[row]);
    uint32_t* rows = partitions_.find(block->partitions[row]);
    if (--*rows == 0) partitions_.erase(block->partitions[row]);
    entry.alive.store(entry.alive.load(std::memory_order_relaxed) & ~(uint32_t{1} << row),
                      std::memory_order_release);
    block->retired_at = epochs_.now();
    --lists_[block->list].rows;
}

bool IvfLists::remove(uint32_t id) {
    const uint32_t slot = slots_.find(id);
    if (slot == kReservedNumber) return false;
    Block* block = blocks_[slot / kCodeRows];
    List& list = lists_[block->list];
    take_out(list.table.load(std::memory_order_relaxed)->entries[block->index], slot % kCodeRows);
    rewrite_if_loose(list);
    collect();
    return true;
}

void IvfLists::clear(uint32_t partition) {
    if (partition_size(partition) == 0) return;
    for (List& list : lists_) {
        for (size_t i = 0; i < entries_of(list); ++i) {
            Entry& entry = list.table.load(std::memory_order_relaxed)->entries[i];
            uint32_t left = entry.alive.load(std::memory_order_relaxed);
            for (; left != 0; left &= left - 1) {
                const uint32_t row = lowest_bit(left);
                if (entry.block->partitions[row] == partition) take_out(entry, row);
            }
        }
        rewrite_if_loose(list);
    }
    collect();
}

void IvfLists::rewrite_if_loose(List& list) {
    const size_t places = entries_of(list) * kCodeRows;
    if (places <= kCodeRows ? list.rows > 0 || places == 0 : places <= 2 * list.rows + kCodeRows) {
        return;
    }
    try {
        rewrite(list);
    } catch (const std::bad_alloc&) {
        // The list stays as loose as it is.
    }
}

// Moves the rows of a list into new blocks without holes. A search that has the table before sees
// the list as it was.
void IvfLists::rewrite(List& list) {
    const size_t count = (list.rows + kCodeRows - 1) / kCodeRows;
    Table* before = list.table.load(std::memory_order_relaxed);
    const size_t entries = entries_of(list);
    std::unique_ptr<Table> table;
    std::vector<OwnedBlock> blocks;
    reserve_retired(2 * entries + 1);
    blocks.reserve(count);
    std::vector<uint8_t*> codes;
    codes.reserve(count);
    if (count > 0) table = std::make_unique<Table>(static_cast<uint32_t>(count));
    try {
        for (size_t i = 0; i < count; ++i) {
            blocks.push_back(make_block(0, false));
            adopt(blocks[i].get());
            codes.push_back(pool_.take());
            std::memset(codes[i], 0, codes_bytes_);
        }
    } catch (...) {
        for (OwnedBlock& block : blocks) give_up(block.release());
        for (uint8_t* piece : codes) pool_.give_back(piece);
        throw;
    }
    // Nothing fails from here on.
    size_t to = 0;
    for (size_t i = 0; i < entries; ++i) {
        const Entry& entry = before->entries[i];
        const uint8_t* packed = entry.codes.load(std::memory_order_relaxed);
        uint32_t left = entry.alive.load(std::memory_order_relaxed);
        for (; left != 0; left &= left - 1, ++to) {
            const uint32_t from = lowest_bit(left);
            Block* block = blocks[to / kCodeRows].get();
            const size_t row = to % kCodeRows;
            block->ids[row] = entry.block->ids[from];
            block->partitions[row] = entry.block->partitions[from];
            if (format_.is_scaled()) block->scales[row] = entry.block->scales[from];
            if (format_.bytes() > 0) {
                std::memcpy(row_of(block, row), row_of(entry.block, from), format_.bytes());
            }
            for (size_t at = 0; at < codes_bytes_; at += kCodeRows) {
                codes[to / kCodeRows][at + row] = packed[at + from];
            }
            slots_.set(block->ids[row], static_cast<uint32_t>(block->number * kCodeRows + row));
        }
    }
    const uint32_t number = entries == 0 ? 0 : before->entries[0].block->list;
    for (size_t i = 0; i < count; ++i) {
        const size_t size = std::min(kCodeRows, to - i * kCodeRows);
        Block* block = blocks[i].release();
        block->list = number;
        block->index = static_cast<uint32_t>(i);
        block->used = size == kCodeRows ? kAllRows : (uint32_t{1} << size) - 1;
        table->entries[i].block = block;
        table->entries[i].codes.store(codes[i], std::memory_order_relaxed);
        table->entries[i].alive.store(block->used, std::memory_order_relaxed);
    }
    if (table != nullptr) {
        table->count.store(static_cast<uint32_t>(count), std::memory_order_relaxed);
        table_bytes_ += sizeof(Table) + table->capacity * sizeof(Entry);
    }
    list.table.store(table.release(), std::memory_order_release);
    for (size_t i = 0; i < entries; ++i) {
        Entry& entry = before->entries[i];
        uint8_t* packed = entry.codes.load(std::memory_order_relaxed);
        retire(entry.block->borrowed ? nullptr : packed, entry.block, nullptr);
    }
    retire(nullptr, nullptr, before);
}

bool IvfLists::read(uint32_t id, IvfScratch& scratch, float* out) {
    const uint32_t slot = slots_.find(id);
    if (slot == kReservedNumber) return false;
    Block* block = blocks_[slot / kCodeRows];
    const size_t row = slot % kCodeRows;
    if (format_.rescore != Rescore::kNone) {
        format_.decode(row_of(block, row), scale_of(block, row), out);
        return true;
    }
    const Table* table = lists_[block->list].table.load(std::memory_order_relaxed);
    const uint8_t* packed = table->entries[block->index].codes.load(std::memory_order_relaxed);
    std::vector<uint8_t> code(quantiser_->code_bytes());
    for (size_t i = 0; i < code.size(); ++i) code[i] = packed[i * kCodeRows + row];
    quantiser_->decode(block->list, code.data(), scratch, out);
    return true;
}

void IvfLists::copy_rows(size_t limit, IvfScratch& scratch, IvfBatch& batch,
                         std::vector<uint32_t>& slots) {
    for (size_t list = lists_.size(); list > 0 && limit > 0; --list) {
        const Table* table = lists_[list - 1].table.load(std::memory_order_relaxed);
        for (size_t i = entries_of(lists_[list - 1]); i > 0 && limit > 0; --i) {
            const Entry& entry = table->entries[i - 1];
            uint32_t left = entry.alive.load(std::memory_order_relaxed);
            for (; left != 0 && limit > 0; left &= left - 1, --limit) {
                const uint32_t row = lowest_bit(left);
                const size_t end = batch.vectors.size();
                batch.vectors.resize(end + format_.dimension);
                read(entry.block->ids[row], scratch, batch.vectors.data() + end);
                batch.ids.push_back(entry.block->ids[row]);
                batch.partitions.push_back(entry.block->partitions[row]);
                slots.push_back(static_cast<uint32_t>(entry.block->number * kCodeRows + row));
            }
        }
    }
}

}  // namespace llm_cache
