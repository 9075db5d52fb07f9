#pragma once
// Descriptors that systemd passes at start, by the protocol of sd_listen_fds(3): sockets of .socket units (socket
// activation), and what an earlier process put into the descriptor store. Main thread, before any other thread starts:
// the numbers are taken as they are. The caller owns the descriptors, and closes those it does not use.

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/error.hpp"
#include "systemd/environment.hpp"

namespace weir::systemd {

struct PassedDescriptor {
  enum class Kind : std::uint8_t {
    listening_stream,  // a stream socket that listens: what a listener can take over
    other,
  };

  // FileDescriptorName= of the .socket unit (by default the unit's own name with ".socket"), or the name given to
  // Notifier::store; "unknown" without LISTEN_FDNAMES.
  std::string name;
  int descriptor = -1;
  Kind kind = Kind::other;

  // Where the socket is bound; Family::none unless it is an IPv4, IPv6 or unix socket. The view of a unix path is
  // valid as long as this object. The path of an abstract socket starts with '@'.
  Address address() const noexcept;

  Address bound;  // without path
  std::string path;
};

// The names of the descriptors 3, 4, ... that were passed to this process; none if they were meant for another one.
// The error is a sentence for people: the variables contradict themselves.
std::expected<std::vector<std::string>, std::string> passed_names(const Environment& environment);

// Likewise the descriptors, no longer inherited by programs that are started. The caller makes them non-blocking.
// Call it once.
std::expected<std::vector<PassedDescriptor>, std::string> take_passed_descriptors(const Environment& environment);

// Marks descriptor as not inherited and finds out the rest, apart from the name. bad_descriptor: it is not open.
Error inspect(PassedDescriptor& passed);

}  // namespace weir::systemd
