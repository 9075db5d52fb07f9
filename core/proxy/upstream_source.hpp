#pragma once
// Where attempts get their upstream streams from: kept connections, or new ones. An attempt sees the source alone, a
// protocol sees the link alone, so neither knows how connections are pooled. One thread, the worker's.

#include "core/base/address.hpp"
#include "core/base/error.hpp"
#include "core/base/intrusive_list.hpp"
#include "core/net/stream.hpp"
#include "core/proxy/message.hpp"

namespace weir::proxy {

class Endpoint;
class EndpointMemory;
class PinnedLinks;

// A byte connection to an endpoint, on loan from its pool.
class UpstreamLink : public ListLink<PinnedLinks> {
 public:
  explicit UpstreamLink(Reactor& reactor) noexcept : stream(reactor) {}

  Stream stream;
  const EndpointMemory* endpoint = nullptr;  // the endpoint, independent of any snapshot
  // How long its server has said that it keeps an idle connection (Keep-Alive: timeout). Negative: it has not.
  Duration announced{-1};

  // From now on it belongs to a client's connection, which outlives the loan: it is never pooled again.
  void pin_to(PinnedLinks& client) noexcept { pinned_to_ = &client; }

  // The loan ends: the link must not be touched any more. Without `reusable`, or with bytes in its input that nobody
  // asked for, it is closed.
  virtual void give_back(bool reusable) noexcept = 0;
  // Closes one that is pinned and not on loan.
  virtual void drop() noexcept = 0;

 protected:
  ~UpstreamLink() = default;
  PinnedLinks* pinned_to_ = nullptr;
};

// Which kept connections will do for a request.
enum class Reuse : std::uint8_t {
  any,
  // It cannot be sent again if the server closes the connection at the same moment: only one that was in use so recently
  // that its server has no reason to.
  recent,
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
  virtual UpstreamStream* take_kept(Endpoint& endpoint, Reuse reuse) noexcept = 0;
  // The same on the connection to the endpoint that belongs to the client.
  virtual UpstreamStream* take_pinned(Endpoint& endpoint, PinnedLinks& client) noexcept = 0;
  // A stream on a new connection, to be connected first.
  virtual Result<UpstreamStream*> open(Endpoint& endpoint, const Address& address) noexcept = 0;
  // Closes a kept connection for its descriptor, which is free a turn or two later. False: there is none.
  virtual bool make_room() noexcept = 0;

 protected:
  ~UpstreamSource() = default;
};

}  // namespace weir::proxy
