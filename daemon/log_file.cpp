#include "daemon/log_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "core/platform/files.hpp"

namespace weir::daemon {

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
  return fmt::format("cannot open the log file {}: {}: check that the directory exists and weir's user may write to it",
                     path_, std::strerror(error_));
}

void LogFile::write(std::string_view lines) {
  const std::size_t written = std::fwrite(lines.data(), 1, lines.size(), file_);
  if (written == lines.size() && std::fflush(file_) == 0) return;
  std::clearerr(file_);
  throw std::runtime_error("log lines were lost");
}

bool LogFile::reopen() {
  if (is_standard()) return true;
  std::FILE* fresh = platform::open_for_append(path_);
  error_ = fresh == nullptr ? errno : 0;
  if (fresh == nullptr) return false;
  std::fclose(file_);
  file_ = fresh;
  return true;
}

}  // namespace weir::daemon
