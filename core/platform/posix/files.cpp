#include "core/platform/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace weir::platform {
namespace {

// A FIFO is opened for reading as well, so that a reader that is missing, or goes, is not an error: what is written
// waits for one. O_NONBLOCK is for the opening alone.
int open_appending(const char* path) noexcept {
  constexpr int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  int descriptor = ::open(path, O_WRONLY | flags, 0666);
  struct stat found;
  const bool is_fifo = (descriptor >= 0 || errno == ENXIO) && ::stat(path, &found) == 0 && S_ISFIFO(found.st_mode);
  if (is_fifo) {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = ::open(path, O_RDWR | (flags & ~O_CREAT));
  } else if (descriptor < 0) {
    return -1;
  }
  if (descriptor >= 0) ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
  return descriptor;
}

}  // namespace

std::FILE* open_for_append(const std::string& path) noexcept {
  const int descriptor = open_appending(path.c_str());
  if (descriptor < 0) return nullptr;
  std::FILE* file = ::fdopen(descriptor, "a");
  if (file == nullptr) {
    const int kept = errno;
    ::close(descriptor);
    errno = kept;
    return nullptr;
  }
  std::setvbuf(file, nullptr, _IONBF, 0);
  return file;
}

std::optional<FileId> file_id(const std::string& path) noexcept {
  struct stat found;
  if (::lstat(path.c_str(), &found) != 0) return std::nullopt;
  return FileId{static_cast<std::uint64_t>(found.st_dev), static_cast<std::uint64_t>(found.st_ino)};
}

}  // namespace weir::platform
