// Where the row of each id stands, in about four bytes an id where ids lie close together;
// ivfpq_lists uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "number_map.hpp"

namespace llm_cache {

/// @brief From ids below kReservedNumber to numbers below it: pages of 64 neighbouring ids, found
/// by a hash table. Ids that lie far apart take up to a page of 260 bytes each.
class IdTable {
  public:
    size_t size() const { return size_; }
    size_t bytes() const {
        return numbers_.bytes() + pages_.capacity() * sizeof(pages_[0]) +
               (pages_.size() - free_.size()) * sizeof(Page) + free_.capacity() * sizeof(free_[0]);
    }

    /// @brief The number of `id`, or kReservedNumber.
    uint32_t find(uint32_t id) {
        const uint32_t* number = numbers_.find(id / kPageIds);
        return number == nullptr ? kReservedNumber : pages_[*number]->slots[id % kPageIds];
    }

    /// @brief Makes room for `id`. May throw std::bad_alloc, and then nothing has changed.
    void reserve(uint32_t id) {
        if (numbers_.find(id / kPageIds) != nullptr) return;
        numbers_.reserve(1);
        if (free_.empty()) {
            pages_.push_back(nullptr);
            if (free_.capacity() < pages_.size()) {
                try {
                    free_.reserve(pages_.capacity());
                } catch (...) {
                    pages_.pop_back();
                    throw;
                }
            }
            free_.push_back(static_cast<uint32_t>(pages_.size() - 1));
        }
        auto page = std::make_unique<Page>();
        const uint32_t number = free_.back();
        free_.pop_back();
        pages_[number] = std::move(page);
        numbers_.insert(id / kPageIds, number);
    }

    /// @brief Sets the number of `id`.
    /// @pre reserve has made room.
    void set(uint32_t id, uint32_t slot) {
        Page& page = *pages_[*numbers_.find(id / kPageIds)];
        uint32_t& place = page.slots[id % kPageIds];
        if (place == kReservedNumber) {
            ++page.used;
            ++size_;
        }
        place = slot;
    }

    /// @brief Forgets an id that is there.
    void erase(uint32_t id) {
        const uint32_t number = *numbers_.find(id / kPageIds);
        Page& page = *pages_[number];
        page.slots[id % kPageIds] = kReservedNumber;
        --page.used;
        --size_;
        drop_if_empty(id, number);
    }

    /// @brief Undoes a reserve that no set followed.
    void unreserve(uint32_t id) {
        const uint32_t* number = numbers_.find(id / kPageIds);
        if (number != nullptr) drop_if_empty(id, *number);
    }

  private:
    static constexpr uint32_t kPageIds = 64;

    struct Page {
        Page() {
            for (uint32_t& slot : slots) slot = kReservedNumber;
        }
        uint32_t slots[kPageIds];
        uint32_t used = 0;
    };

    void drop_if_empty(uint32_t id, uint32_t number) {
        if (pages_[number]->used > 0) return;
        pages_[number].reset();
        free_.push_back(number);  // Room was made when the page was.
        numbers_.erase(id / kPageIds);
        numbers_.shrink();
    }

    NumberMap<uint32_t> numbers_;
    std::vector<std::unique_ptr<Page>> pages_;
    std::vector<uint32_t> free_;
    size_t size_ = 0;
};

}  // namespace llm_cache
