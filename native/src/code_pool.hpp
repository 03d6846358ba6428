// Equal pieces of memory, 64-byte aligned, from slabs that never move; ivfpq_lists keeps packed
// codes in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace llm_cache {

/// @brief Pieces are taken one behind the other as long as none was given back. For one thread.
class CodePool {
  public:
    /// @param bytes of a piece: a multiple of 32.
    explicit CodePool(size_t bytes) : bytes_(bytes) {}

    /// @brief May throw std::bad_alloc.
    uint8_t* take() {
        if (!free_.empty()) {
            uint8_t* piece = free_.back();
            free_.pop_back();
            return piece;
        }
        if (next_ == kPieces) {
            slabs_.reserve(slabs_.size() + 1);
            // So that giving back needs no memory.
            free_.reserve((slabs_.size() + 1) * kPieces);
            slabs_.emplace_back(static_cast<uint8_t*>(
                ::operator new (kPieces* bytes_, std::align_val_t{kAlignment})));
            next_ = 0;
        }
        return slabs_.back().get() + next_++ * bytes_;
    }

    void give_back(uint8_t* piece) noexcept { free_.push_back(piece); }

    size_t bytes() const {
        return slabs_.size() * kPieces * bytes_ + free_.capacity() * sizeof(free_[0]);
    }

  private:
    static constexpr size_t kPieces = 64;
    static constexpr size_t kAlignment = 64;

    struct Free {
        void operator()(uint8_t* slab) const {
            ::operator delete (slab, std::align_val_t{kAlignment});
        }
    };

    const size_t bytes_;
    std::vector<std::unique_ptr<uint8_t[], Free>> slabs_;
    std::vector<uint8_t*> free_;
    size_t next_ = kPieces;
};

}  // namespace llm_cache
