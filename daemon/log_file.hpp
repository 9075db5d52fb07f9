#pragma once
// Where log lines end: a file that is appended to, standard output or standard error. Opened on the control thread,
// then used by one log writer's thread.

#include <cstdio>
#include <string>
#include <string_view>

namespace weir::daemon {

class LogFile {
 public:
  // "" and "stdout" are standard output, "stderr" is standard error.
  explicit LogFile(std::string path) : path_(std::move(path)) {}
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  // False: it could not be opened, and problem() says why. Standard streams always open.
  bool open();
  std::string problem() const;

  // Throws std::runtime_error when the system takes nothing.
  void write(std::string_view lines);

  // Opens the path anew, after a rotation. The old file stays in use when that fails; then false.
  bool reopen();

 private:
  bool is_standard() const noexcept { return path_.empty() || path_ == "stdout" || path_ == "stderr"; }

  std::string path_;
  std::FILE* file_ = nullptr;
  int error_ = 0;
};

}  // namespace weir::daemon
