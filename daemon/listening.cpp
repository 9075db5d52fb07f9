#include "daemon/listening.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>

#include "core/platform/balancing.hpp"
#include "core/platform/descriptors.hpp"
#include "core/platform/files.hpp"
#include "core/platform/sockets.hpp"
#include "core/reactor/restrictions.hpp"
#include "daemon/resolve.hpp"

namespace weir::daemon {
namespace {

// Opens one that listens, and learns which port the system chose.
Error open_listener(Handle& handle, const OpenSpec& spec, Address* chosen) {
  if (const Error error = platform::open(handle, spec)) return error;
  if (chosen != nullptr && chosen->has_port()) {
    if (const auto local = platform::local_address(handle)) chosen->port = local->port;
  }
  return {};
}

// Sockets that share an address by SO_REUSEPORT would also share it with another weir that was started by mistake.
// An exclusive socket finds out.
Error probe_address(OpenSpec spec) {
  spec.reuse_port = false;
  Handle handle;
  const Error error = open_listener(handle, spec, nullptr);
  if (!error) platform::close(handle);
  return error;
}

std::string_view sentence_of(const Error& error) {
  switch (error.code) {
    case Errc::permission_denied: return "permission denied";
    case Errc::address_in_use: return "the address is in use";
    case Errc::address_not_available: return "this machine does not have that address";
    case Errc::not_found: return "no such directory";
    case Errc::descriptor_limit: return "too many open files";
    default: return {};
  }
}

std::string remedy_of(const Address& address, const Error& error) {
  const bool unix_path = address.family == Family::unix_path;
  const bool taken = error.code == Errc::address_in_use || error.code == Errc::permission_denied;
  if (address.family == Family::named_pipe && taken)
    return "another process has that pipe: stop it or use another name";
  switch (error.code) {
    case Errc::permission_denied:
      return unix_path ? "let weir's user write to the directory of the socket"
                       : "use a port above 1023 or grant CAP_NET_BIND_SERVICE";
    case Errc::address_in_use:
      return unix_path
                 ? "a server listens on that socket, or the file of that name is not a socket: stop or remove it"
                 : fmt::format("stop the program that listens on port {} ('ss -ltnp' shows it) or use another port",
                               address.port);
    case Errc::address_not_available: return "'ip address' lists its addresses; \":PORT\" listens on all of them";
    case Errc::not_found: return "create the directory";
    case Errc::descriptor_limit: return "raise the limit ('ulimit -n', LimitNOFILE= in a unit)";
    default: return {};
  }
}

}  // namespace

std::string listen_failure(const proxy::ListenerSpec& listener, const Address& address, const Error& error) {
  const std::string place = place_of(listener.origin);
  std::string text = fmt::format("cannot listen on {} (listener {}{}{})", to_string(address), listener.name,
                                 place.empty() ? "" : ", ", place);
  if (const Restriction* rule = restriction(error.rule)) return fmt::format("{}: {}", text, rule->sentence);
  const std::string_view sentence = sentence_of(error);
  if (sentence.empty()) return fmt::format("{}: {}", text, describe(error));
  return fmt::format("{}: {}: {}", text, sentence, remedy_of(address, error));
}

void ListeningSockets::close_from(std::size_t first) noexcept {
  for (std::size_t i = first; i < sockets_.size(); ++i) {
    Handle handle;
    handle.native = sockets_[i].native;
    handle.kind = sockets_[i].kind;
    if (handle.is_open()) platform::close(handle);
  }
  sockets_.resize(first);
}

// The previous owner of an address may have just ended: after a kill, Linux takes down what an io_uring held a little
// later than the process. So an address in use is asked for again, half a second long for all listeners together.
std::vector<std::string> ListeningSockets::open(const proxy::Spec& spec, std::uint32_t workers) {
  constexpr auto pause = std::chrono::milliseconds{50};
  int patience = 10;
  std::vector<std::string> failures;
  for (std::uint32_t index = 0; index < spec.listeners.size(); ++index) {
    const proxy::ListenerSpec& listener = spec.listeners[index];
    for (std::size_t i = 0; i < listener.bind.size(); ++i) {
      Address address = listener.bind[i];
      const bool second_family = i < listener.second_family.size() && listener.second_family[i];
      if (second_family && address.port == 0 && !bound_.empty()) address.port = bound_.back().address.port;
      Error error = open_address(listener, index, address, workers);
      while (error.code == Errc::address_in_use && patience-- > 0) {
        std::this_thread::sleep_for(pause);
        error = open_address(listener, index, address, workers);
      }
      if (second_family && error.code == Errc::address_not_available) continue;  // no IPv6 here
      if (error) failures.push_back(listen_failure(listener, address, error));
    }
  }
  return failures;
}

Error ListeningSockets::open_address(const proxy::ListenerSpec& listener, std::uint32_t index, Address address,
                                     std::uint32_t workers) {
  const std::size_t begun = sockets_.size();
  const bool unix_path = address.family == Family::unix_path;
  const bool pipe = address.family == Family::named_pipe;
  if (address.has_port() && !platform::balances_listeners()) workers = 1;
  OpenSpec open;
  open.what = OpenSpec::What::listener;
  open.unix_mode = listener.unix_mode;
  open.reuse_port = workers > 1 && address.has_port();
  open.address = address;
  if (open.reuse_port && address.port != 0) {
    if (const Error error = probe_address(open)) return error;
  }
  for (std::uint32_t worker = 0; worker < workers; ++worker) {
    if (unix_path && worker > 0) {
      const Result<NativeHandle> copy = platform::duplicate(sockets_.back().native);
      if (!copy) return copy.error();
      sockets_.push_back({worker, index, *copy, sockets_.back().kind});
      continue;
    }
    if (pipe && worker > 0) open.reuse_port = true;  // besides the first, which found that the name is free
    Handle handle;
    if (const Error error = open_listener(handle, open, &open.address)) {  // a chosen port is for all
      close_from(begun);
      return error;
    }
    sockets_.push_back({worker, index, std::exchange(handle.native, no_native_handle), handle.kind});
  }
  std::optional<platform::FileId> file;
  if (unix_path) file = platform::file_id(std::string(address.path));
  bound_.push_back({index, open.address, file});
  return {};
}

std::vector<proxy::AdoptedListener> ListeningSockets::take(std::uint32_t worker) {
  std::vector<proxy::AdoptedListener> taken;
  for (Socket& socket : sockets_) {
    if (socket.worker != worker || socket.native == no_native_handle) continue;
    taken.push_back({socket.listener, std::exchange(socket.native, no_native_handle)});
  }
  return taken;
}

void ListeningSockets::remove_socket_files() const noexcept {
  for (const Bound& bound : bound_) {
    if (!bound.file) continue;
    std::error_code ignored;
    const std::string path(bound.address.path);
    if (platform::file_id(path) == bound.file) std::filesystem::remove(path, ignored);
  }
}

}  // namespace weir::daemon
