// When memory that readers may still look at can be used again; ivfpq_lists and its searches use
// it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace llm_cache {

/// @brief Epochs of one writer and any number of readers. A reader counts itself into the epoch it
/// begins in, and the writer goes on to the next epoch only when nobody is left in the last but
/// one. So what was unlinked in epoch e is out of every reader's sight in epoch e + 2. Readers take
/// no lock and wait for nobody: they begin again only while the epoch is changing.
/// Source: Fraser, "Practical lock-freedom", 2004, 5.2.3.
class Epochs {
  public:
    class Reader {
      public:
        explicit Reader(Epochs& epochs) : epochs_(epochs) {
            for (;;) {
                epoch_ = epochs_.now_.load();
                epochs_.count_of(epoch_).fetch_add(1);
                if (epochs_.now_.load() == epoch_) return;
                epochs_.count_of(epoch_).fetch_sub(1);
            }
        }
        ~Reader() { epochs_.count_of(epoch_).fetch_sub(1); }
        Reader(const Reader&) = delete;
        Reader& operator=(const Reader&) = delete;

      private:
        Epochs& epochs_;
        uint64_t epoch_;
    };

    /// @brief The writer's: goes on as far as readers let it, two epochs at most.
    void advance() {
        for (int i = 0; i < 2; ++i) {
            const uint64_t now = now_.load();
            // (now - 1) modulo 3.
            if (count_of(now + 2).load() != 0) return;
            now_.store(now + 1);
        }
    }

    uint64_t now() const { return now_.load(); }

    /// @brief Whether no reader can see any more what was unlinked in epoch `then`.
    bool is_past(uint64_t then) const { return now_.load() >= then + 2; }

  private:
    std::atomic<uint32_t>& count_of(uint64_t epoch) { return readers_[epoch % 3]; }

    // The first epoch is 2, so that 0 is past.
    std::atomic<uint64_t> now_{2};
    std::atomic<uint32_t> readers_[3] = {};
};

}  // namespace llm_cache
