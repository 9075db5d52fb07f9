#include "daemon/listening.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>

#include "core/base/log.hpp"
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
    if (sockets_[i].owner != Owner::this_set) continue;
    Handle handle;
    handle.native = sockets_[i].native;
    handle.kind = sockets_[i].kind;
    if (handle.is_open()) platform::close(handle);
  }
  sockets_.resize(first);
}

std::vector<std::string> ListeningSockets::open(std::shared_ptr<const proxy::Spec> spec, std::uint32_t workers) {
  constexpr int patience = 10;  // times a pause
  spec_ = std::move(spec);
  workers_ = workers;
  return open_all(nullptr, patience);
}

std::vector<std::string> ListeningSockets::open_after(const ListeningSockets& before,
                                                      std::shared_ptr<const proxy::Spec> spec, std::uint32_t workers) {
  spec_ = std::move(spec);
  workers_ = workers;
  next_id_ = before.next_id_;
  return open_all(&before, 0);
}

// The previous owner of an address may have just ended: after a kill, Linux takes down what an io_uring held a little
// later than the process. So an address in use is asked for again, half a second long for all listeners together.
std::vector<std::string> ListeningSockets::open_all(const ListeningSockets* before, int patience) {
  constexpr auto pause = std::chrono::milliseconds{50};
  std::vector<std::string> failures;
  for (std::uint32_t index = 0; index < spec_->listeners.size(); ++index) {
    const proxy::ListenerSpec& listener = spec_->listeners[index];
    if (before != nullptr ? keep_activated(*before, index) : activate(index)) continue;
    for (std::size_t i = 0; i < listener.bind.size(); ++i) {
      Bound bound{index, listener.bind[i], {}, to_string(listener.bind[i])};
      // The system chooses a port for each of these.
      if (bound.address.has_port() && bound.address.port == 0) bound.wanted += " " + std::to_string(i) + " " + listener.name;
      if (before != nullptr && keep(*before, bound)) continue;
      if (adopt(bound)) continue;
      const bool second_family = i < listener.second_family.size() && listener.second_family[i];
      if (second_family && bound.address.port == 0 && !bound_.empty()) bound.address.port = bound_.back().address.port;
      Error error = open_address(bound);
      while (error.code == Errc::address_in_use && patience-- > 0) {
        std::this_thread::sleep_for(pause);
        error = open_address(bound);
      }
      if (second_family && error.code == Errc::address_not_available) continue;  // no IPv6 here
      if (error) failures.push_back(listen_failure(listener, bound.address, error));
    }
  }
  return failures;
}

// True: `before` listens there.
bool ListeningSockets::keep(const ListeningSockets& before, const Bound& wanted) {
  for (std::uint32_t i = 0; i < before.bound_.size(); ++i) {
    const Bound& had = before.bound_[i];
    if (had.wanted != wanted.wanted) continue;
    Bound& bound = bound_.emplace_back(wanted);
    bound.file = had.file;
    if (bound.address.has_port()) bound.address.port = had.address.port;
    for (const Socket& socket : before.sockets_) {
      if (socket.bound != i) continue;
      Socket& kept = sockets_.emplace_back(socket);
      kept.bound = static_cast<std::uint32_t>(bound_.size() - 1);
      kept.owner = Owner::worker;
    }
    return true;
  }
  return false;
}

// ---- sockets that were given to this process ------------------------------------------------------------------------

namespace {

// Marks in Bound::wanted the sockets of a listener that came by socket activation.
std::string activated(const std::string& listener, std::size_t number) {
  return "activated " + std::to_string(number) + " " + listener;
}

// A socket of the process before this one listens where it is wanted. Where the system chose the port it is known by its
// listener.
bool serves(const Inherited& one, const Address& wanted, const std::string& listener) {
  if (one.from != Inherited::From::predecessor) return false;
  if (!wanted.has_port() || wanted.port != 0) return one.address == to_string(wanted);
  auto address = parse_address(one.address);
  if (!address || !address->has_port() || one.name != listener) return false;
  address->port = 0;
  return to_string(*address) == to_string(wanted);
}

std::optional<Address> address_of(NativeHandle native, HandleKind kind) {
  Handle handle;
  handle.native = native;
  handle.kind = kind;
  const auto address = platform::local_address(handle);
  handle.native = no_native_handle;  // it was lent
  handle.kind = HandleKind::none;
  if (!address) return std::nullopt;
  return *address;
}

}  // namespace

// Sockets that share an address go to one worker each; where there are fewer of them than workers, some get a copy.
void ListeningSockets::share(std::vector<NativeHandle> natives, HandleKind kind) {
  const bool balances = platform::balances_listeners();
  const std::size_t given = natives.size();
  for (std::uint32_t worker = 0; balances && worker < workers_; ++worker) {
    if (worker < given) continue;
    if (const Result<NativeHandle> copy = platform::duplicate(natives[worker % given])) natives.push_back(*copy);
  }
  for (std::size_t i = 0; i < natives.size(); ++i)
    add(balances ? static_cast<std::uint32_t>(i % workers_) : 0, natives[i], kind);
}

// True: the listener's sockets were passed under its name, so its own addresses are not opened.
bool ListeningSockets::activate(std::uint32_t listener) {
  const std::string& name = spec_->listeners[listener].name;
  std::size_t number = 0;
  for (Inherited& one : inherited_) {
    if (one.from != Inherited::From::activation || one.name != name || one.native == no_native_handle) continue;
    Bound bound{listener, {}, {}, activated(name, number++)};
    share({std::exchange(one.native, no_native_handle)}, HandleKind::listener);
    if (const auto address = address_of(sockets_.back().native, sockets_.back().kind)) bound.address = *address;
    bound_.push_back(std::move(bound));
  }
  return number != 0;
}

bool ListeningSockets::keep_activated(const ListeningSockets& before, std::uint32_t listener) {
  const std::string& name = spec_->listeners[listener].name;
  std::size_t number = 0;
  Bound bound;
  bound.listener = listener;
  for (bound.wanted = activated(name, 0); keep(before, bound); bound.wanted = activated(name, number)) ++number;
  return number != 0;
}

// True: it is listened on already, by sockets that the process before this one had.
bool ListeningSockets::adopt(const Bound& bound) {
  std::string address;  // one for all of them
  std::vector<NativeHandle> natives;
  for (Inherited& one : inherited_) {
    if (one.native == no_native_handle || !serves(one, bound.address, spec_->listeners[bound.listener].name)) continue;
    if (address.empty()) address = one.address;
    if (one.address == address) natives.push_back(std::exchange(one.native, no_native_handle));
  }
  if (natives.empty()) return false;
  share(std::move(natives), HandleKind::listener);
  Bound& adopted = bound_.emplace_back(bound);
  if (const auto actual = parse_address(address); actual && actual->has_port()) adopted.address.port = actual->port;
  if (bound.address.family == Family::unix_path) adopted.file = platform::file_id(std::string(bound.address.path));
  return true;
}

std::vector<std::string> ListeningSockets::close_unwanted() noexcept {
  std::vector<std::string> names;
  for (Inherited& one : inherited_) {
    if (one.native == no_native_handle) continue;
    Handle handle;
    handle.native = one.native;
    handle.kind = HandleKind::listener;
    platform::close(handle);
    names.push_back(one.name + " (" + one.address + ")");
  }
  inherited_.clear();
  return names;
}

std::vector<KeptSocket> ListeningSockets::all() const {
  std::vector<KeptSocket> open;
  for (const Socket& socket : sockets_)
    open.push_back({spec_->listeners[bound_[socket.bound].listener].name, socket.id, socket.native});
  return open;
}

// ---- sockets of one's own -------------------------------------------------------------------------------------------

void ListeningSockets::add(std::uint32_t worker, NativeHandle native, HandleKind kind) {
  sockets_.push_back({next_id_++, worker, static_cast<std::uint32_t>(bound_.size()), native, kind, Owner::this_set});
}

Error ListeningSockets::open_address(Bound bound) {
  const std::size_t begun = sockets_.size();
  const proxy::ListenerSpec& listener = spec_->listeners[bound.listener];
  const bool unix_path = bound.address.family == Family::unix_path;
  const bool pipe = bound.address.family == Family::named_pipe;
  const std::uint32_t workers = bound.address.has_port() && !platform::balances_listeners() ? 1 : workers_;
  OpenSpec open;
  open.what = OpenSpec::What::listener;
  open.unix_mode = listener.unix_mode;
  open.reuse_port = workers > 1 && bound.address.has_port();
  open.address = bound.address;
  if (open.reuse_port && bound.address.port != 0) {
    if (const Error error = probe_address(open)) return error;
  }
  for (std::uint32_t worker = 0; worker < workers; ++worker) {
    if (unix_path && worker > 0) {
      const Result<NativeHandle> copy = platform::duplicate(sockets_.back().native);
      if (!copy) return close_from(begun), copy.error();
      add(worker, *copy, sockets_.back().kind);
      continue;
    }
    if (pipe && worker > 0) open.reuse_port = true;  // besides the first, which found that the name is free
    Handle handle;
    if (const Error error = open_listener(handle, open, &open.address)) {  // a chosen port is for all
      close_from(begun);
      return error;
    }
    add(worker, std::exchange(handle.native, no_native_handle), handle.kind);
  }
  bound.address = open.address;
  if (unix_path) bound.file = platform::file_id(std::string(bound.address.path));
  bound_.push_back(std::move(bound));
  return {};
}

std::vector<proxy::AdoptedListener> ListeningSockets::take(std::uint32_t worker, const proxy::Snapshot& snapshot) {
  std::vector<proxy::AdoptedListener> taken;
  for (Socket& socket : sockets_) {
    if (socket.worker != worker) continue;
    const std::uint32_t slot = snapshot.listeners[bound_[socket.bound].listener].state->slot;
    const bool is_new = std::exchange(socket.owner, Owner::worker) == Owner::this_set;
    taken.push_back({slot, is_new ? socket.native : no_native_handle, socket.id});
  }
  return taken;
}

bool ListeningSockets::has(const Bound& other) const noexcept {
  return std::any_of(bound_.begin(), bound_.end(), [&](const Bound& bound) { return bound.wanted == other.wanted; });
}

void ListeningSockets::close_untaken() noexcept {
  for (const Socket& socket : sockets_)
    if (socket.owner == Owner::this_set) remove_file(bound_[socket.bound]);
  close_from(0);
}

void ListeningSockets::abandon(const ListeningSockets& before) noexcept {
  for (const Bound& bound : bound_)
    if (!before.has(bound)) remove_file(bound);
}

std::uint16_t ListeningSockets::mode_of(const Bound& bound) const noexcept { return spec_->listeners[bound.listener].unix_mode; }

// Of the file of a socket that goes on.
void ListeningSockets::change_mode(const Bound& had, std::uint16_t before) const noexcept {
  const auto bound = std::find_if(bound_.begin(), bound_.end(), [&](const Bound& b) { return b.wanted == had.wanted; });
  const std::uint16_t mode = mode_of(*bound);
  const std::string path(bound->address.path);
  if (!bound->file || mode == 0 || mode == before || platform::file_id(path) != bound->file) return;
  std::error_code error;
  std::filesystem::permissions(path, std::filesystem::perms(mode), error);
  if (error) log_error("cannot change the permissions of {}: {}", path, error.message());
}

void ListeningSockets::succeed(ListeningSockets& before) noexcept {
  for (const Bound& had : before.bound_)
    has(had) ? change_mode(had, before.mode_of(had)) : before.remove_file(had);
  before.sockets_.clear();  // they are the workers' or this set's
  before.bound_ = std::move(bound_);
  before.sockets_ = std::move(sockets_);
  before.spec_ = std::move(spec_);
  before.next_id_ = next_id_;
  bound_.clear();
  sockets_.clear();
}

void ListeningSockets::disown_files() noexcept {
  for (Bound& bound : bound_) bound.file.reset();
}

void ListeningSockets::remove_file(const Bound& bound) const noexcept {
  if (!bound.file) return;
  std::error_code ignored;
  const std::string path(bound.address.path);
  if (platform::file_id(path) == bound.file) std::filesystem::remove(path, ignored);
}

void ListeningSockets::remove_socket_files() const noexcept {
  for (const Bound& bound : bound_) remove_file(bound);
}

}  // namespace weir::daemon
