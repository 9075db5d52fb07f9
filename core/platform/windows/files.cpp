#include "core/platform/files.hpp"

#include <windows.h>

#include <fcntl.h>
#include <io.h>

#include <cerrno>

#include "core/platform/windows/text.hpp"

namespace weir::platform {
namespace {

int errno_of(DWORD error) noexcept {
  switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME: return ENOENT;
    case ERROR_TOO_MANY_OPEN_FILES: return EMFILE;
    default: return EACCES;
  }
}

}  // namespace

std::FILE* open_for_append(const std::string& path) noexcept try {
  // The runtime library's fopen would keep others from renaming the file.
  const HANDLE handle = ::CreateFileW(to_wide(path).c_str(), FILE_APPEND_DATA | SYNCHRONIZE,
                                      FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_ALWAYS,
                                      FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    errno = errno_of(::GetLastError());
    return nullptr;
  }
  const int descriptor = ::_open_osfhandle(reinterpret_cast<intptr_t>(handle), _O_APPEND | _O_BINARY | _O_NOINHERIT);
  if (descriptor < 0) {
    ::CloseHandle(handle);
    return nullptr;
  }
  std::FILE* file = ::_fdopen(descriptor, "ab");
  if (file == nullptr) {
    ::_close(descriptor);
  } else {
    std::setvbuf(file, nullptr, _IONBF, 0);
  }
  return file;
} catch (...) {  // no memory for the name
  errno = ENOMEM;
  return nullptr;
}

// Asked of sockets only, which are no files here.
std::optional<FileId> file_id(const std::string&) noexcept { return std::nullopt; }

}  // namespace weir::platform
