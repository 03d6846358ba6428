// A hash table from 32-bit numbers to small values: open addressing, so that growth is its only
// allocation; shards and ids use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace llm_cache {

/// Not a key: it marks a free slot.
constexpr uint32_t kReservedNumber = 0xffffffffu;

/// @brief Linear probing, at most 3/4 full, removal by shifting back (no tombstones).
template <typename Value>
class NumberMap {
  public:
    size_t size() const { return size_; }
    size_t bytes() const { return slots_.capacity() * sizeof(Slot); }

    /// @brief The value of `key`, or null. Valid until the next reserve or erase.
    Value* find(uint32_t key) {
        if (slots_.empty()) return nullptr;
        for (size_t at = home(key);; at = next(at)) {
            if (slots_[at].key == key) return &slots_[at].value;
            if (slots_[at].key == kReservedNumber) return nullptr;
        }
    }

    /// @brief Makes room for `more` further keys. May throw std::bad_alloc, and then nothing has
    /// changed.
    void reserve(size_t more) {
        const size_t needed = size_ + more;
        size_t capacity = slots_.empty() ? kLeast : slots_.size();
        while (needed > capacity / 4 * 3) capacity *= 2;
        if (capacity > slots_.size()) resize(capacity);
    }

    /// @brief Adds a key that is not there.
    /// @pre reserve has made room.
    void insert(uint32_t key, const Value& value) {
        size_t at = home(key);
        while (slots_[at].key != kReservedNumber) at = next(at);
        slots_[at] = {key, value};
        ++size_;
    }

    /// @brief Removes a key that is there.
    void erase(uint32_t key) {
        size_t hole = home(key);
        while (slots_[hole].key != key) hole = next(hole);
        for (size_t at = next(hole); slots_[at].key != kReservedNumber; at = next(at)) {
            const size_t wanted = home(slots_[at].key);
            // The entry may fill the hole unless its home lies cyclically after it.
            if (((at - wanted) & mask()) >= ((at - hole) & mask())) {
                slots_[hole] = slots_[at];
                hole = at;
            }
        }
        slots_[hole].key = kReservedNumber;
        --size_;
    }

    /// @brief Gives memory back when less than an eighth is used; keeps the table if there is none
    /// to be had.
    void shrink() noexcept {
        if (size_ == 0) {
            std::vector<Slot>().swap(slots_);
            return;
        }
        size_t capacity = slots_.size();
        while (capacity > kLeast && size_ < capacity / 8) capacity /= 2;
        if (capacity == slots_.size()) return;
        try {
            resize(capacity);
        } catch (...) {
            return;
        }
    }

  private:
    static constexpr size_t kLeast = 16;

    struct Slot {
        uint32_t key = kReservedNumber;
        Value value;
    };

    size_t mask() const { return slots_.size() - 1; }
    size_t next(size_t at) const { return (at + 1) & mask(); }

    // The finaliser of MurmurHash3: consecutive numbers, the usual case, spread over the table.
    size_t home(uint32_t key) const {
        key ^= key >> 16;
        key *= 0x85ebca6bu;
        key ^= key >> 13;
        key *= 0xc2b2ae35u;
        key ^= key >> 16;
        return key & mask();
    }

    void resize(size_t capacity) {
        std::vector<Slot> old(capacity);
        old.swap(slots_);
        size_ = 0;
        for (const Slot& slot : old) {
            if (slot.key != kReservedNumber) insert(slot.key, slot.value);
        }
    }

    std::vector<Slot> slots_;
    size_t size_ = 0;
};

}  // namespace llm_cache
