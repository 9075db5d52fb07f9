#pragma once
// The datagram socket of a service manager: sends, never receives, never waits. Owns its descriptor. One thread at a
// time.

#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace weir::systemd {

class NotifySocket {
 public:
  // `address`: "/path" or "@abstract name"; empty: no manager. Connects immediately, so that a later chroot or
  // change of user does not affect it; if that fails, every send retries.
  explicit NotifySocket(std::string_view address);
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  ~NotifySocket();

  bool present() const noexcept { return !address_.empty(); }

  static constexpr int no_descriptor = -1;
  // One datagram, with a copy of the descriptor if one is given, which stays the caller's. would_block: the manager has
  // not read its earlier messages yet. A manager that has replaced its socket is found again.
  Error send(std::string_view message, int attached = no_descriptor) noexcept;

 private:
  Error connect() noexcept;

  std::string address_;
  int descriptor_ = no_descriptor;
  bool connected_ = false;
};

}  // namespace weir::systemd
