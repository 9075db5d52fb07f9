#pragma once
// ControlServer: the socket by which commands reach this process. It serves with an engine of its own, a second
// proxy::Server on the control thread's reactor, whose one listener is a unix socket or a named pipe that only this user
// and root may connect to. It never keeps weir from starting or from ending. Control thread.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/platform/files.hpp"
#include "core/proxy/handler.hpp"
#include "core/proxy/server.hpp"
#include "daemon/control/controlled.hpp"

namespace weir::daemon {

class ControlServer final : private proxy::Handler {
 public:
  // Both outlive it. `seed` of request ids.
  ControlServer(Reactor& reactor, Controlled& controlled, std::uint64_t seed) noexcept
      : reactor_(reactor), controlled_(controlled), seed_(seed) {}
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer();

  // Descriptors that it has open at most.
  static constexpr std::uint32_t max_clients = 16;
  static constexpr std::size_t descriptors = 1 + max_clients;

  // Opens the socket: Spec::runtime.control, which is not "off". False: problem() says why, and there is none.
  bool open(const std::string& wanted);
  const std::string& problem() const noexcept { return problem_; }
  const std::string& address() const noexcept { return address_; }  // "unix:/run/weir/123.sock"

  // Serves until end(). Once, if it is open.
  Task<void> run();
  // Answers the requests in progress; clients that have not sent one are disconnected.
  void end() noexcept;

 private:
  Task<proxy::HandlerAnswer> handle(const proxy::HandlerRequest& request) override;
  bool open_in(const std::string& directory);
  bool open_at(std::string address);
  void add_problem(const std::string& place, const Error& error);
  void remove_files() noexcept;

  Reactor& reactor_;
  Controlled& controlled_;
  const std::uint64_t seed_;
  std::string address_;
  std::string problem_;
  NativeHandle listening_ = no_native_handle;  // until the server has it
  HandleKind kind_ = HandleKind::none;
  std::string file_;                       // of a unix socket
  std::optional<platform::FileId> file_id_;
  std::string pointer_;                    // the file that says where the socket is
  std::unique_ptr<proxy::Server> server_;  // while it serves
};

}  // namespace weir::daemon
