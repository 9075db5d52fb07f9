#pragma once
// Where attempts get their upstream streams from: kept connections, or new ones. An attempt sees the source alone, a
// protocol sees the link alone, so neither knows how connections are pooled. One thread, the worker's.

#include "core/base/address.hpp"
#include "core/base/error.hpp"
#include "core/net/stream.hpp"
#include "core/proxy/message.hpp"

namespace weir::proxy {

class Endpoint;

// A byte connection to an endpoint, on loan from its pool.
class UpstreamLink {
 public:
  explicit UpstreamLink(Reactor& reactor) noexcept : stream(reactor) {}

  Stream stream;

  // The loan ends: the link must not be touched any more. Without `reusable`, or with bytes in its input that nobody
  // asked for, it is closed.
  virtual void give_back(bool reusable) noexcept = 0;

 protected:
  ~UpstreamLink() = default;
};

// Speaks a protocol over links, one exchange at a time.
class UpstreamProtocol {
 public:
  // The stream lives until its finish(), which gives the link back. `kept`: the link served an exchange before.
  virtual UpstreamStream& begin(UpstreamLink& link, bool kept) = 0;

 protected:
  ~UpstreamProtocol() = default;
};

class UpstreamSource {
 public:
  // A stream on a connection that was kept, ready for a request; or null.
  virtual UpstreamStream* take_kept(Endpoint& endpoint) noexcept = 0;
  // A stream on a new connection, to be connected first.
  virtual Result<UpstreamStream*> open(Endpoint& endpoint, const Address& address) noexcept = 0;
  // Closes a kept connection for its descriptor, which is free a turn or two later. False: there is none.
  virtual bool make_room() noexcept = 0;

 protected:
  ~UpstreamSource() = default;
};

}  // namespace weir::proxy
