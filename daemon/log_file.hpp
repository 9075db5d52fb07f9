#pragma once
// Where log lines end: a file that is appended to, standard output or standard error. Opened on the control thread,
// then used by one log writer's thread; what both may call says so.

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "core/base/log.hpp"

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

  // Throws LogWriteFailed when the system does not take them all; the rest of a line that was cut is not written later.
  void write(std::string_view lines);

  // Opens the path again, after a rotation; or goes over to what replace_by() was given. The old file stays in use when that
  // fails; then false.
  bool reopen();

  // Any thread: at the next reopen() another file takes the place of this one. It is open.
  void replace_by(std::unique_ptr<LogFile> other) noexcept;

  bool is_standard() const;  // any thread
  // Whether somebody reads it on a terminal with colours, and has not asked for none (NO_COLOR, TERM=dumb).
  bool shows_colours() const;
  std::string path() const;  // any thread

 private:
  std::string_view remedy() const noexcept;
  [[noreturn]] void fail(std::size_t written);

  mutable std::mutex mutex_;  // guards the next two against other threads than the one that uses the file
  std::string path_;
  std::unique_ptr<LogFile> replacement_;
  std::FILE* file_ = nullptr;
  int error_ = 0;
  bool line_is_cut_ = false;  // the last write ended within a line
};

// "cannot be written: No space left on device: 3 lines lost so far", for one line of a log.
std::string text_of(const LogLoss& loss);

}  // namespace weir::daemon
