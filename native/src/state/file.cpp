// Files by the calls of POSIX, and by the C library's where there are none.
#include "file.hpp"

#include <new>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#include <share.h>
#include <sys/stat.h>

#include <cstdio>
#else
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#endif

namespace llm_cache {
namespace {

// One call moves less than 2 GiB on every system.
constexpr size_t kMostAtOnce = size_t{1} << 30;

#ifdef _WIN32
long long write_some(int file, const void* data, size_t length) {
    return _write(file, data, static_cast<unsigned>(length));
}
bool to_start(int file) { return _lseeki64(file, 0, SEEK_SET) == 0; }
bool flush(int file) { return _commit(file) == 0; }
void close_file(int file) { _close(file); }
#else
ssize_t write_some(int file, const void* data, size_t length) {
    ssize_t written;
    do written = ::write(file, data, length);
    while (written < 0 && errno == EINTR);
    return written;
}
bool to_start(int file) { return ::lseek(file, 0, SEEK_SET) == 0; }
bool flush(int file) { return ::fsync(file) == 0; }
void close_file(int file) { ::close(file); }

std::string folder_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// Whether the path still names the file: whoever held the lock before may have renamed or removed
// it.
bool names(const std::string& path, int file) {
    struct stat held;
    struct stat named;
    return ::fstat(file, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}
#endif

bool write_all(int file, const void* data, size_t length) {
    const uint8_t* bytes = static_cast<const uint8_t*>(data);
    while (length > 0) {
        const auto written = write_some(file, bytes, length < kMostAtOnce ? length : kMostAtOnce);
        if (written <= 0) return false;
        bytes += written;
        length -= static_cast<size_t>(written);
    }
    return true;
}

}  // namespace

#ifdef _WIN32
std::shared_ptr<uint8_t> map_file(const std::string& path, size_t& length, Status& status) {
    constexpr std::align_val_t kAligned{kStateAlignment};
    status = Status::kNotRead;
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) return nullptr;
    std::shared_ptr<uint8_t> bytes;
    const bool sized = _fseeki64(file, 0, SEEK_END) == 0;
    const long long size = sized ? _ftelli64(file) : -1;
    if (size > 0 && _fseeki64(file, 0, SEEK_SET) == 0) {
        length = static_cast<size_t>(size);
        try {
            bytes.reset(static_cast<uint8_t*>(::operator new[](length, kAligned)),
                        [](uint8_t* memory) { ::operator delete[](memory, kAligned); });
            status = Status::kOk;
        } catch (const std::bad_alloc&) {
            status = Status::kOutOfMemory;
        }
        if (bytes != nullptr && std::fread(bytes.get(), 1, length, file) != length) {
            bytes.reset();
            status = Status::kNotRead;
        }
    }
    std::fclose(file);
    return bytes;
}
#else
std::shared_ptr<uint8_t> map_file(const std::string& path, size_t& length, Status& status) {
    status = Status::kNotRead;
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return nullptr;
    struct stat held;
    void* memory = MAP_FAILED;
    if (::fstat(file, &held) == 0 && S_ISREG(held.st_mode) && held.st_size > 0) {
        length = static_cast<size_t>(held.st_size);
        memory = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    }
    ::close(file);
    if (memory == MAP_FAILED) return nullptr;
    const size_t mapped = length;
    try {
        std::shared_ptr<uint8_t> bytes(static_cast<uint8_t*>(memory),
                                       [mapped](uint8_t* start) { ::munmap(start, mapped); });
        status = Status::kOk;
        return bytes;
    } catch (const std::bad_alloc&) {
        // The deleter has run.
        status = Status::kOutOfMemory;
        return nullptr;
    }
}
#endif

std::unique_ptr<FileSink> FileSink::create(const std::string& path, Status& status) {
    status = Status::kOutOfMemory;
    std::unique_ptr<FileSink> sink;
    try {
        sink.reset(new FileSink(path));
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
#ifdef _WIN32
    const int flags = _O_CREAT | _O_TRUNC | _O_RDWR | _O_BINARY | _O_NOINHERIT;
    const errno_t error =
        _sopen_s(&sink->file_, path.c_str(), flags, _SH_DENYRW, _S_IREAD | _S_IWRITE);
    if (error != 0) sink->file_ = -1;
    status = error == EACCES ? Status::kTaken : Status::kNotWritten;
    if (error != 0) return nullptr;
#else
    status = Status::kNotWritten;
    const int file = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return nullptr;
    const bool locked = ::flock(file, LOCK_EX | LOCK_NB) == 0;
    if (!locked || !names(path, file)) {
        status = locked || errno == EWOULDBLOCK ? Status::kTaken : Status::kNotWritten;
        ::close(file);
        return nullptr;
    }
    // From here on the file is this sink's own to remove.
    sink->file_ = file;
    if (::ftruncate(file, 0) != 0) return nullptr;
#endif
    status = Status::kOk;
    return sink;
}

FileSink::~FileSink() {
    if (file_ < 0) return;
#ifdef _WIN32
    close_file(file_);
    if (!committed_) std::remove(path_.c_str());
#else
    // Removed before the lock ends, so that nobody else's file is.
    if (!committed_) std::remove(path_.c_str());
    close_file(file_);
#endif
}

bool FileSink::append(const void* data, size_t length) { return write_all(file_, data, length); }

bool FileSink::replace_start(const void* data, size_t length) {
    return to_start(file_) && write_all(file_, data, length);
}

Status FileSink::commit(const std::string& name) {
    if (!flush(file_)) return Status::kNotWritten;
#ifdef _WIN32
    close_file(file_);
    file_ = -1;
    if (std::rename(path_.c_str(), name.c_str()) != 0) {
        std::remove(path_.c_str());
        return Status::kNotWritten;
    }
    committed_ = true;
#else
    if (std::rename(path_.c_str(), name.c_str()) != 0) return Status::kNotWritten;
    committed_ = true;
    // Not every file system lets a folder be flushed; a name that is lost costs a rebuild.
    const int folder = ::open(folder_of(name).c_str(), O_RDONLY | O_CLOEXEC);
    if (folder >= 0) {
        flush(folder);
        ::close(folder);
    }
#endif
    return Status::kOk;
}

}  // namespace llm_cache
