#include "daemon/log_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "core/platform/files.hpp"
#include "core/platform/program.hpp"

namespace weir::daemon {

bool LogFile::is_standard() const {
  const std::lock_guard lock(mutex_);
  return names_stream(path_);
}

std::string LogFile::path() const {
  const std::lock_guard lock(mutex_);
  return path_;
}

void LogFile::replace_by(std::unique_ptr<LogFile> other) noexcept {
  const std::lock_guard lock(mutex_);
  replacement_ = std::move(other);
}

LogFile::~LogFile() {
  if (file_ != nullptr && !is_standard()) std::fclose(file_);
}

bool LogFile::open() {
  if (is_standard()) {
    file_ = path_ == "stderr" ? stderr : stdout;
    return true;
  }
  file_ = platform::open_for_append(path_);
  error_ = file_ == nullptr ? errno : 0;
  return file_ != nullptr;
}

std::string LogFile::problem() const {
  return fmt::format("cannot open the log file {}: {}: {}", path_, std::strerror(error_), remedy());
}

// A path of a standard stream cannot be opened when the stream is a socket, as under systemd.
std::string_view LogFile::remedy() const noexcept {
  if (path_ == "/dev/stdout" || path_ == "/proc/self/fd/1" || path_ == "/dev/fd/1") return "write stdout instead";
  if (path_ == "/dev/stderr" || path_ == "/proc/self/fd/2" || path_ == "/dev/fd/2") return "write stderr instead";
  return "check that the directory exists and weir's user may write to it";
}

void LogFile::write(std::string_view lines) {
  if (line_is_cut_ && std::fwrite("\n", 1, 1, file_) != 1) fail(0);
  line_is_cut_ = false;
  const std::size_t written = std::fwrite(lines.data(), 1, lines.size(), file_);
  if (written == lines.size() && std::fflush(file_) == 0) return;
  line_is_cut_ = written > 0 && lines[written - 1] != '\n';
  fail(written);
}

void LogFile::fail(std::size_t written) {
  const int error = errno;
  std::clearerr(file_);
  throw LogWriteFailed(std::strerror(error), written);
}

bool LogFile::shows_colours() const {
  const auto no_colour = platform::environment_variable("NO_COLOR");  // no-color.org: set, and not empty
  if (no_colour && !no_colour->empty()) return false;
  return is_standard() && file_ != nullptr && platform::environment_variable("TERM") != "dumb" &&
         platform::shows_colours(file_);
}

bool LogFile::reopen() {
  {
    const std::lock_guard lock(mutex_);
    if (replacement_) {
      std::swap(path_, replacement_->path_);
      std::swap(file_, replacement_->file_);
      replacement_.reset();  // closes the old one
      line_is_cut_ = false;
      return true;
    }
  }
  if (is_standard()) return true;
  std::FILE* fresh = platform::open_for_append(path_);
  error_ = fresh == nullptr ? errno : 0;
  if (fresh == nullptr) return false;
  std::fclose(file_);
  file_ = fresh;
  line_is_cut_ = false;
  return true;
}

std::string text_of(const LogLoss& loss) {
  switch (loss.what) {
    case LogLoss::What::dropped:
      return fmt::format("{} lines dropped: requests come faster than the log is written", loss.lines);
    case LogLoss::What::unwritable:
      return fmt::format("cannot be written: {}: {} lines lost so far", loss.why, loss.lines);
    case LogLoss::What::writable: break;
  }
  return fmt::format("can be written again, {} lines were lost", loss.lines);
}

}  // namespace weir::daemon
