#include "daemon/file_watch.hpp"

#include <system_error>

namespace weir::daemon {

FileStamp stamp_of(const std::string& file) noexcept try {
  std::error_code error;
  FileStamp stamp;
  stamp.target = std::filesystem::canonical(file, error);
  if (!error) stamp.written = std::filesystem::last_write_time(stamp.target, error);
  if (!error) stamp.size = std::filesystem::file_size(stamp.target, error);
  return error ? FileStamp{} : stamp;  // gone meanwhile, too
} catch (const std::exception&) { return {}; }

}  // namespace weir::daemon
