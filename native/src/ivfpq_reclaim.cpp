// Memory of lists that searches may still look at: kept until none can, then used again.
#include <algorithm>

#include "ivfpq_lists.hpp"

namespace llm_cache {

void IvfLists::reserve_retired(size_t more) {
    if (first_retired_ > retired_.size() / 2) {
        retired_.erase(retired_.begin(), retired_.begin() + static_cast<ptrdiff_t>(first_retired_));
        first_retired_ = 0;
    }
    const size_t needed = retired_.size() + more;
    if (needed > retired_.capacity()) retired_.reserve(std::max(needed, 2 * retired_.capacity()));
}

void IvfLists::retire(uint8_t* codes, Block* block, Table* table) {
    retired_.push_back({epochs_.now(), codes, block, table});
}

void IvfLists::free(const Retired& retired) {
    if (retired.codes != nullptr) pool_.give_back(retired.codes);
    if (retired.table != nullptr) {
        table_bytes_ -= sizeof(Table) + retired.table->capacity * sizeof(Entry);
        delete retired.table;
    }
    if (retired.block != nullptr) give_up(retired.block);
}

void IvfLists::give_up(Block* block) {
    block_bytes_ -= bytes_of(*block);
    blocks_[block->number] = nullptr;
    free_numbers_.push_back(block->number);
    FreeBlock()(block);
}

// Takes back what no search can see any more.
void IvfLists::collect() {
    epochs_.advance();
    while (first_retired_ < retired_.size() && epochs_.is_past(retired_[first_retired_].epoch)) {
        free(retired_[first_retired_++]);
    }
}

}  // namespace llm_cache
