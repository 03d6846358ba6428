// Files of derived state: mapped to be read, written aside and renamed; the addon uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "container.hpp"

namespace llm_cache {

/// @brief A file's bytes, kStateAlignment-aligned.
///
/// On POSIX systems they are mapped privately: all processes and threads that map the file share
/// the pages of the system's cache, and a page that one of them writes to becomes its own copy. A
/// state file is never changed once it has its name, only replaced and removed, so the bytes stay
/// what they were when they were verified. Elsewhere the file is read into memory.
/// @return null with kNotRead, or kOutOfMemory.
std::shared_ptr<uint8_t> map_file(const std::string& path, size_t& length, Status& status);

/// @brief A file being written under a name of its own, which one process at a time may hold: the
/// lock ends with the process. Removed by the destructor unless it was committed.
class FileSink : public StateSink {
  public:
    /// @return null with kTaken, kNotWritten or kOutOfMemory.
    static std::unique_ptr<FileSink> create(const std::string& path, Status& status);
    ~FileSink() override;

    bool append(const void* data, size_t length) override;
    bool replace_start(const void* data, size_t length) override;

    /// @brief Puts the bytes on stable storage, then gives the file its name.
    Status commit(const std::string& name);

  private:
    explicit FileSink(const std::string& path) : path_(path) {}

    std::string path_;
    int file_ = -1;
    bool committed_ = false;
};

}  // namespace llm_cache
