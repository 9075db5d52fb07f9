// The end of an exchange: counters and the line in the access log.
#include "core/proxy/exchange.hpp"

namespace weir::proxy {

// The client stream is finished here, last: the log still reads the head.
void Exchange::finish(bool complete) noexcept {
  if (status_ != 0) ++engine.counters.responses;
  engine.counters.bytes_in += body_in();
  engine.counters.bytes_out += body_out_;
  if (logged_ && engine.logs_access()) log();
  client.finish(complete);
}

void Exchange::log() noexcept {
  AccessRecord record;
  const ClientInfo& info = client.info();
  const Address address = has_head_ ? client_of(client.head(), *info.peer, spec().forwarding) : *info.peer;
  record.started = info.started_wall;
  record.client = &address;
  record.listener = spec().listeners[info.listener].name;
  if (route != nullptr) {
    record.route = route->name;
    record.upstream = route->upstream;
  }
  const TimePoint end = now();
  if (has_head_) {
    const http::RequestHead& head = client.head();
    record.method = head.method_text;
    record.target = head.target;
    record.host = host_;
    record.referer = head.value_of(http::FieldId::referer);
    record.user_agent = head.value_of(http::FieldId::user_agent);
    record.minor_version = head.minor_version;
    record.head = info.head_at - info.started;
  }
  record.request_id = request_id_;
  record.status = status_;
  record.bytes_in = body_in();
  record.bytes_out = body_out_;
  const AttemptRecord& attempt = attempt_.record();
  if (attempt.endpoint != nullptr) record.endpoint = attempt.endpoint->spec().text;
  if (attempt.connected.ns != 0) record.connect = attempt.connected - attempt.started;
  if (attempt.first_byte.ns != 0) record.first_byte = attempt.first_byte - attempt.sent;
  record.total = end - info.started;
  record.attempts = attempts_;
  record.reused = attempt.kept;
  record.ending = ending_;
  engine.log_access(record);
}

}  // namespace weir::proxy
