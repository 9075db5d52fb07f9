#include "systemd/journal.hpp"

#include <sys/stat.h>

namespace weir::systemd {

std::optional<StreamId> stream_id(int descriptor) noexcept {
  struct stat found{};
  if (::fstat(descriptor, &found) != 0) return std::nullopt;
  return StreamId{found.st_dev, found.st_ino};
}

}  // namespace weir::systemd
