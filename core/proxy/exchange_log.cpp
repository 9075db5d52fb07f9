// The end of an exchange: counters, the line in the access log, and what its attempts say about their endpoints.
#include <algorithm>

#include "core/proxy/basic_user.hpp"
#include "core/proxy/exchange.hpp"

namespace weir::proxy {

// The client stream is finished here, last: the log still reads the head.
void Exchange::finish(bool complete) noexcept {
  if (status_ != 0) ++engine.counters.responses;
  engine.counters.bytes_in += body_in();
  engine.counters.bytes_out += body_out_;
  if (attempts_ != 0) note_outcome();
  if (logged_ && engine.logs_access()) log();
  client.finish(complete);
}

// ---- attempts -------------------------------------------------------------------------------------------------------

// The last attempt has failed so, `word` being the rule that its response broke. Once per attempt.
void Exchange::note_failure(Ending how, std::string_view word) noexcept try {
  const AttemptRecord& attempt = attempt_.record();
  if (noted_ == attempts_) return;
  noted_ = attempts_;
  const TimePoint end = now();
  notes_.add(attempt.endpoint->spec(), end - attempt.started, how, attempt.kept);
  // A server may close a kept connection at any time: that is why such a request is sent once more.
  const bool was_stale = attempt.kept && attempt.first_byte.ns == 0 && how != Ending::upstream_timeout;
  if (was_stale || !blames_endpoint(how)) return;
  Incident& incident = attempt.endpoint->incident();
  if (!incident.failed(how, end)) return;
  engine.log_event(text_of_failure(route->upstream, attempt.endpoint->spec().text, how, word, incident));
} catch (const std::bad_alloc&) {
  // No memory for a line: the access log has the ending.
}

// What the exchange's end says about its last attempt.
void Exchange::note_outcome() noexcept try {
  const Cut failure = attempt_.failure();
  if (failure != Cut::none) return note_failure(facts_of(failure).ending, attempt_.failure_word());
  if (blames_endpoint(ending_)) return note_failure(ending_, word_);
  if (ending_ != Ending::ok && ending_ != Ending::tunnel_closed) return;
  Endpoint& endpoint = *attempt_.record().endpoint;
  if (!endpoint.incident().answered(now())) [[likely]] return;
  const std::string text = text_of_recovery(route->upstream, endpoint.spec().text, endpoint.incident());
  endpoint.incident().close();
  engine.log_event(text);
} catch (const std::bad_alloc&) {
  // The next answer says it.
}

// ---- the line -------------------------------------------------------------------------------------------------------

void Exchange::log() noexcept {
  AccessRecord record;
  const ClientInfo& info = client.info();
  const TimePoint end = now();
  const Address address = has_head_ ? client_of(client.head(), *info.peer, spec().forwarding) : *info.peer;
  std::array<char, 128> user;
  record.started = info.started_wall;
  record.client = &address;
  record.listener = spec().listeners[info.listener].name;
  if (route != nullptr) {
    record.route = route->name;
    record.upstream = route->upstream;
  }
  if (has_head_) {
    describe_request(record);
    if (const http::Field* field = client.head().find("authorization"))
      record.user = basic_user(client.head().value(*field), user);
  } else {
    record.request_line = client.first_line();
  }
  record.request_id = request_id_;
  record.word = word_;
  record.status = status_;
  record.bytes_in = body_in();
  record.bytes_out = body_out_;
  record.total = end - info.started;
  record.ending = ending_;
  if (attempts_ != 0) describe_attempts(record, end);
  engine.log_access(record);
}

void Exchange::describe_request(AccessRecord& record) const noexcept {
  const http::RequestHead& head = client.head();
  const ClientInfo& info = client.info();
  record.fields = &head;
  record.method = head.method_text;
  record.target = head.target;
  record.host = host_;
  record.referer = head.value_of(http::FieldId::referer);
  record.user_agent = head.value_of(http::FieldId::user_agent);
  record.minor_version = head.minor_version;
  record.head = info.head_at - info.started;
}

// The times are those of the last attempt; those before it are one sum, and one note each.
void Exchange::describe_attempts(AccessRecord& record, TimePoint end) noexcept {
  const AttemptRecord& attempt = attempt_.record();
  record.endpoint = attempt.endpoint->spec().text;
  if (attempt.connected.ns != 0) record.connect = attempt.connected - attempt.started;
  if (attempt.first_byte.ns != 0) record.first_byte = attempt.first_byte - attempt.sent;
  record.attempts = attempts_;
  record.reused = attempt.kept;
  const bool good = ending_ == Ending::ok || ending_ == Ending::tunnel_closed;
  if (good && notes_.empty()) return;
  if (noted_ != attempts_) {
    const TimePoint answered = good && attempt.first_byte.ns != 0 ? attempt.first_byte : end;
    notes_.add(attempt.endpoint->spec(), answered - attempt.started, ending_, attempt.kept);
  }
  record.tries = notes_.all();
  if (record.tries.size() < 2) return;
  record.failed = Duration{0};
  for (const AttemptNote& note : record.tries.first(record.tries.size() - 1))
    record.failed += std::chrono::microseconds(note.us);
}

}  // namespace weir::proxy
