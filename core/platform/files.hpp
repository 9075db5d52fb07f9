#pragma once
// Files as the standard library cannot open or name them. Paths are UTF-8. Blocks; any thread; owns nothing.

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

namespace weir::platform {

// Opens for appending, makes the file if need be. Not inherited by child processes, not buffered, and others may rename
// or delete the file meanwhile, as log rotation does. A FIFO opens without a reader; writes then block once it is full.
// Null: errno says why.
std::FILE* open_for_append(const std::string& path) noexcept;

// Which file a path names, however many names the file has.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t file = 0;
  bool operator==(const FileId&) const = default;
};

// Of the path itself, not of what a symbolic link leads to. Nothing: there is no such file, or the system does not
// tell.
std::optional<FileId> file_id(const std::string& path) noexcept;

}  // namespace weir::platform
