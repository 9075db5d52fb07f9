// Tunnels: after 101 Switching Protocols or a successful CONNECT, bytes go both ways until both sides have ended.
#include "core/proxy/connection.hpp"
#include "core/proxy/engine.hpp"
#include "core/proxy/exchange.hpp"

namespace weir::proxy {

Task<void> Exchange::tunnel() {
  Stream& client = client_.stream;
  Stream& upstream = upstream_->stream;
  const http::ResponseHead& head = response_->head();
  client_.keep = false;
  status_ = head.status;

  ForwardResponse response;
  response.head = &head;
  response.rules = &engine_.spec().forwarding;
  response.edit = route_->response_headers.empty() ? nullptr : &route_->response_headers;
  response.request_id = request_id_;
  response.upgrade = head.status == 101;
  to_client_.open(engine_.reactor.buffers());
  write_response_head(response, *to_client_);
  response_started_ = true;
  auto sent = co_await client.send(to_client_->slices());
  upstream.input().consume(head.size);

  // The request head stays for the log; bytes the client sent after it belong to the tunnel.
  client_.stop_watching();
  client.settle();
  held_ = std::move(client.input());
  const std::string_view early = held_.view().substr(request_bytes_);
  request_bytes_ = 0;
  if (sent && !early.empty()) {
    client.input() = engine_.reactor.buffers().take();
    if (client.input()) {
      early.copy(client.input().room().data(), early.size());
      client.input().commit(early.size());
    }
  }
  if (sent) {
    client_.enter(Phase::tunnel, route_->timeout.tunnel);
    tasks_.spawn(pump(client, upstream, body_in_));
    auto down = pump(upstream, client, body_out_);
    co_await down;
    co_await tasks_.join();
  }
  ending_ = client_.stopped() ? Ending::stopped : sent ? Ending::tunnel_closed : Ending::client_closed;
  release_upstream(false);
}

// One direction. An end is passed on as an end; an error ends both directions.
Task<void> Exchange::pump(Stream& from, Stream& to, std::uint64_t& moved) {
  for (;;) {
    while (!from.input().empty()) {
      IoSlice slice(from.input().view());
      const std::size_t size = slice.size;
      auto sent = co_await to.send(std::span<IoSlice>(&slice, 1));
      if (!sent || is_cut()) co_return cut_tunnel();
      moved += size;
      from.input().consume(size);
    }
    from.input().reset();
    auto got = co_await from.receive();
    if (got && *got == 0 && !is_cut()) {
      // A pipe neither says nor hears that one direction has ended: the other finishes what is under way.
      if (!from.half_closes() || !to.half_closes()) client_.enter(Phase::tunnel, half_closed_grace);
      to.shutdown(Direction::out);
      co_return;
    }
    if (!got || is_cut()) co_return cut_tunnel();
  }
}

void Exchange::cut_tunnel() noexcept {
  client_.stream.cancel(Direction::both);
  upstream_->stream.cancel(Direction::both);
}

}  // namespace weir::proxy
