#pragma once
// The listening sockets and pipes of all workers, opened on the control thread before anything is served by them, so that
// what cannot be opened is known before the first request. A set of them is made for a configuration: the first one from
// nothing, each later one from the set before, whose sockets go on where the address is the same. Owns each descriptor
// until a worker takes it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/platform/files.hpp"
#include "core/proxy/server_options.hpp"
#include "core/proxy/snapshot.hpp"
#include "core/proxy/spec.hpp"
#include "daemon/lifecycle.hpp"

namespace weir::daemon {

// A listening socket that this process was given at its start.
struct Inherited {
  enum class From : std::uint8_t {
    activation,   // a socket unit of systemd: `name` is a listener's, and its sockets take the place of its addresses
    predecessor,  // the process before this one, or the descriptor store: it is used where a listener has that address
  };
  From from = From::predecessor;
  std::string name;
  std::string address;  // as text, "127.0.0.1:80": what a listener's address is compared with
  NativeHandle native = no_native_handle;
};

class ListeningSockets {
 public:
  ListeningSockets() = default;
  ListeningSockets(const ListeningSockets&) = delete;
  ListeningSockets& operator=(const ListeningSockets&) = delete;
  ~ListeningSockets() { close_untaken(); }  // removes the files of unix sockets that no worker took

  // Before open(): sockets to use instead of opening the address. This set takes ownership of the descriptors.
  void inherit(std::vector<Inherited> given) { inherited_ = std::move(given); }
  // After open(): closes the inherited sockets that no listener uses, and returns their names.
  std::vector<std::string> close_unwanted() noexcept;

  // Opens every address of every listener for that many workers; where the system does not balance them, a TCP address
  // for the first worker only. Each worker has an instance of a named pipe: a client gets one that is free, and stays
  // with its worker. Waits half a second for addresses that are in use. The result: one sentence per address that could
  // not be opened; empty: all are. Called once.
  std::vector<std::string> open(std::shared_ptr<const proxy::Spec> spec, std::uint32_t workers);

  // The same for the configuration that follows: addresses that `before` has are not opened again, and its sockets stay
  // its own until succeed(). Does not wait.
  std::vector<std::string> open_after(const ListeningSockets& before, std::shared_ptr<const proxy::Spec> spec,
                                      std::uint32_t workers);
  // The workers have changed over: these sockets replace `before`. Removes the files of unix sockets that are no longer
  // used.
  void succeed(ListeningSockets& before) noexcept;
  // The workers have abandoned it: removes the files of unix sockets that `before` has not.
  void abandon(const ListeningSockets& before) noexcept;

  // What one worker is to listen on, by the slots of a snapshot of the same specification. Those that it has already
  // come without a descriptor; the others are handed over by it, once.
  std::vector<proxy::AdoptedListener> take(std::uint32_t worker, const proxy::Snapshot& snapshot);

  // What can be connected to, with the ports that the system chose.
  struct Bound {
    std::uint32_t listener = 0;  // index into Spec::listeners
    Address address;             // a path or a name views into the Spec
    std::optional<platform::FileId> file;  // of a unix socket
    std::string wanted;          // what was asked for; identifies it from one configuration to the next
  };
  const std::vector<Bound>& bound() const noexcept { return bound_; }

  // All listening sockets, including those that workers own.
  std::vector<KeptSocket> all() const;

  std::size_t count() const noexcept { return sockets_.size(); }  // of all workers

  // Another process listens on these sockets now and owns the socket files.
  void disown_files() noexcept;

  // Removes the files of unix sockets, unless another file has the name by now. While they still listen: after that the
  // number of the file may be another's, too.
  void remove_socket_files() const noexcept;

 private:
  // Who closes the descriptor.
  enum class Owner : std::uint8_t { this_set, worker };
  struct Socket {
    std::uint32_t id = 0;        // its own in the life of the process
    std::uint32_t worker = 0;
    std::uint32_t bound = 0;     // index
    NativeHandle native = no_native_handle;
    HandleKind kind = HandleKind::none;
    Owner owner = Owner::this_set;
  };

  std::vector<std::string> open_all(const ListeningSockets* before, int patience);
  bool keep(const ListeningSockets& before, const Bound& wanted);
  bool keep_activated(const ListeningSockets& before, std::uint32_t listener);
  Error open_address(Bound bound);
  bool activate(std::uint32_t listener);
  bool adopt(const Bound& bound);
  void share(std::vector<NativeHandle> natives, HandleKind kind);
  void add(std::uint32_t worker, NativeHandle native, HandleKind kind);
  void close_from(std::size_t first) noexcept;
  void close_untaken() noexcept;
  void remove_file(const Bound& bound) const noexcept;
  bool has(const Bound& other) const noexcept;
  std::uint16_t mode_of(const Bound& bound) const noexcept;
  void change_mode(const Bound& had, std::uint16_t before) const noexcept;

  std::shared_ptr<const proxy::Spec> spec_;
  std::uint32_t workers_ = 1;
  std::uint32_t next_id_ = 0;
  std::vector<Socket> sockets_;
  std::vector<Bound> bound_;
  std::vector<Inherited> inherited_;  // not used yet
};

// "cannot listen on 127.0.0.1:80 (listener web, weir.yaml:3:9): permission denied: use a port above 1023 or ..."
std::string listen_failure(const proxy::ListenerSpec& listener, const Address& address, const Error& error);

}  // namespace weir::daemon
