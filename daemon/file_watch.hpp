#pragma once
// FileWatch: tells when a file has changed and stayed the same since, from looks at it at regular intervals. Looks are
// cheap and work on every system and file system, and through symbolic links, which is how containers exchange files.
// Pure but for stamp_of, which may block where the file's disk does.

#include <cstdint>
#include <filesystem>
#include <string>

namespace weir::daemon {

// What tells one state of a file from another without reading it.
struct FileStamp {
  std::filesystem::path target;  // where its links lead; empty: it is not there
  std::filesystem::file_time_type written{};
  std::uintmax_t size = 0;
  bool operator==(const FileStamp&) const = default;
};

FileStamp stamp_of(const std::string& file) noexcept;

class FileWatch {
 public:
  // `taken_up`: the state that is served.
  explicit FileWatch(FileStamp taken_up) : taken_up_(std::move(taken_up)), last_(taken_up_) {}

  // True once for each change: when the file differs from what was taken up, is there, and is as it was at the last look.
  bool has_settled(FileStamp now) {
    const bool is_same = now == last_;
    last_ = std::move(now);
    if (!is_same || last_ == taken_up_ || last_.target.empty()) return false;
    taken_up_ = last_;
    return true;
  }

 private:
  FileStamp taken_up_;
  FileStamp last_;
};

}  // namespace weir::daemon
