#pragma once
// The listening sockets and pipes of all workers, opened on the control thread before anything is served, so that what
// cannot be opened is known before the first request. Owns each descriptor until a worker takes it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/platform/files.hpp"
#include "core/proxy/server_options.hpp"
#include "core/proxy/spec.hpp"

namespace weir::daemon {

class ListeningSockets {
 public:
  ListeningSockets() = default;
  ListeningSockets(const ListeningSockets&) = delete;
  ListeningSockets& operator=(const ListeningSockets&) = delete;
  ~ListeningSockets() { close_from(0); }

  // Opens every address of every listener for that many workers; where the system does not balance them, a TCP address
  // for the first worker only. Each worker has an instance of a named pipe: a client gets one that is free, and stays
  // with its worker. Waits half a second for addresses that are in use. The result: one sentence per address that could
  // not be opened; empty: all are. Called once.
  std::vector<std::string> open(const proxy::Spec& spec, std::uint32_t workers);

  // Hands over the sockets of one worker. Once for each worker.
  std::vector<proxy::AdoptedListener> take(std::uint32_t worker);

  // What can be connected to, with the ports that the system chose.
  struct Bound {
    std::uint32_t listener = 0;  // index into Spec::listeners
    Address address;             // a path or a name views into the Spec
    std::optional<platform::FileId> file;  // of a unix socket
  };
  const std::vector<Bound>& bound() const noexcept { return bound_; }

  std::size_t count() const noexcept { return sockets_.size(); }  // of all workers

  // Removes the files of unix sockets, unless another file has the name by now. While they still listen: after that the
  // number of the file may be another's, too.
  void remove_socket_files() const noexcept;

 private:
  struct Socket {
    std::uint32_t worker = 0;
    std::uint32_t listener = 0;
    NativeHandle native = no_native_handle;
    HandleKind kind = HandleKind::none;
  };

  Error open_address(const proxy::ListenerSpec& listener, std::uint32_t index, Address address, std::uint32_t workers);

  void close_from(std::size_t first) noexcept;

  std::vector<Socket> sockets_;
  std::vector<Bound> bound_;
};

// "cannot listen on 127.0.0.1:80 (listener web, weir.yaml:3:9): permission denied: use a port above 1023 or ..."
std::string listen_failure(const proxy::ListenerSpec& listener, const Address& address, const Error& error);

}  // namespace weir::daemon
