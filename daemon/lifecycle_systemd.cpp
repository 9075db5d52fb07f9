#include "daemon/lifecycle_systemd.hpp"

#include <algorithm>
#include <chrono>

#include "core/base/log.hpp"
#include "systemd/notify.hpp"
#include "systemd/pipe.hpp"
#include "systemd/store_name.hpp"
#include "systemd/watchdog.hpp"

namespace weir::daemon {
namespace {

using namespace std::chrono_literals;

class Systemd final : public Lifecycle {
 public:
  explicit Systemd(const systemd::Environment& environment)
      : notifier_(environment), watchdog_(systemd::watchdog_interval(environment).value_or(Duration{})) {}

  std::string_view name() const noexcept override { return "systemd"; }
  void starting() noexcept override {}  // systemd knows
  void ready() noexcept override {
    ready_due_ = true;
    say_ready();
  }
  void reloading() noexcept override { heed(notifier_.reloading()); }
  void status(std::string_view text) noexcept override {
    if (text != status_) heed(notifier_.status(text));
    status_ = text;
    say_ready();
  }
  void stopping() noexcept override { heed(notifier_.stopping()); }
  void extend(Duration longest) noexcept override { heed(notifier_.extend(longest)); }
  Duration heartbeat() const noexcept override { return watchdog_ / 2; }
  void alive() noexcept override {
    if (watchdog_ > Duration{}) heed(notifier_.alive());
    say_ready();
  }
  void succeeded_by(std::uint32_t process) noexcept override { heed(notifier_.main_process(process)); }

  void keep(const std::vector<KeptSocket>& sockets) noexcept override {
    for (const KeptSocket& kept : kept_) {
      const bool goes_on = std::any_of(sockets.begin(), sockets.end(), [&](const KeptSocket& it) { return it.id == kept.id; });
      const auto stored = systemd::to_string({kept.listener, kept.id});
      if (!goes_on && stored) heed(notifier_.forget(*stored));
    }
    for (const KeptSocket& socket : sockets) {
      const bool is_new = std::none_of(kept_.begin(), kept_.end(), [&](const KeptSocket& it) { return it.id == socket.id; });
      const auto stored = systemd::to_string({socket.listener, socket.id});
      if (is_new && stored) heed(notifier_.store(static_cast<int>(socket.native), *stored));
    }
    kept_ = sockets;
  }
  bool keeps_sockets() const noexcept override { return !kept_.empty(); }

  // Until systemd has handled all of it, or half a second.
  void ended() noexcept override {
    if (const auto barrier = notifier_.barrier()) systemd::wait_for_end(*barrier, 500ms);
  }

 private:
  void say_ready() noexcept {
    if (!ready_due_) return;
    const Error error = notifier_.ready();
    ready_due_ = error.code == Errc::would_block;
    heed(error);
  }
  void heed(const Error& error) noexcept {
    if (!error || error.code == Errc::would_block || std::exchange(told_, true)) return;
    log_warn("systemd is not told how weir fares: {}", describe(error));
  }

  systemd::Notifier notifier_;
  Duration watchdog_;
  std::string status_;
  std::vector<KeptSocket> kept_;
  bool ready_due_ = false;
  bool told_ = false;
};

}  // namespace

std::unique_ptr<Lifecycle> systemd_lifecycle(const systemd::Environment& environment) {
  if (environment.notify_socket.empty()) return nullptr;
  return std::make_unique<Systemd>(environment);
}

}  // namespace weir::daemon
