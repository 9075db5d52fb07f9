#include "core/proxy/h1/client_side.hpp"

#include "core/proxy/engine.hpp"

namespace weir::proxy::h1 {

void ClientSide::begin(ClientConnection& connection) noexcept {
  open.push_back(connection);
  ++open_count;
  all_closed.reset();
  connection.begin();
}

void ClientSide::drain() noexcept {
  open.for_each([](ClientConnection& connection) { connection.drain(); });
}

void ClientSide::stop() noexcept {
  open.for_each([](ClientConnection& connection) { connection.stop(); });
}

void ClientSide::closed(ClientConnection& connection) noexcept {
  engine.count_out(connection.listener);
  connections.destroy(&connection);
  --open_count;
  if (open.empty()) all_closed.set();
}

Trimmed::Result ClientSide::trim() noexcept {
  Result result;
  const std::size_t before = streams.allocated() + exchanges.allocated() + writers.allocated();
  const std::size_t peak = streams.take_peak();
  streams.trim(peak);
  exchanges.trim(exchanges.take_peak());
  writers.trim(writers.take_peak());
  result.freed = before - streams.allocated() - exchanges.allocated() - writers.allocated();
  result.busy = peak > 0;
  return result;
}

}  // namespace weir::proxy::h1
