// The check `http`: a GET is answered with a status from 200 to 399.
#include <fmt/format.h>

#include "core/http/h1_parser.hpp"
#include "core/proxy/health/probe_connection.hpp"

namespace weir::proxy {
namespace {

// Bytes of an answer's body that are read so that the connection ends in order; more is cut off.
constexpr std::size_t body_worth_reading = 64 * 1024;

// The head of the answer, the informational ones before it passed over. An empty text: parser.head() is the head.
Task<std::string> read_head(Stream& stream, http::ResponseParser& parser, const http::Limits& limits,
                            ProbeDeadline& deadline) {
  parser.reset(limits, http::Method::get);
  for (;;) {
    if (deadline.reached()) co_return deadline.explain(Errc::cancelled, "answer");
    if (stream.input() && stream.input().room().size() < 4096) stream.input().compact();
    auto got = co_await stream.receive();
    if (!got) co_return deadline.explain(got.error(), "answer");
    if (*got == 0) co_return "the connection ended before an answer";
    http::Parse verdict = parser.parse(stream.input().view());
    while (verdict == http::Parse::complete && parser.head().status < 200 && parser.head().status != 101) {
      stream.input().consume(parser.head().size);
      parser.reset(limits, http::Method::get);
      verdict = stream.input().empty() ? http::Parse::need_more : parser.parse(stream.input().view());
    }
    if (verdict == http::Parse::refused) co_return fmt::format("the answer is not HTTP: {}", parser.refusal().word);
    if (verdict == http::Parse::complete) co_return std::string{};
  }
}

// A server whose answer is not read to its end sees a reset.
Task<void> read_rest(Stream& stream, const http::ResponseHead& head, ProbeDeadline& deadline) {
  std::size_t have = stream.input().size() - head.size;
  const std::size_t all = head.framing == http::Framing::none     ? 0
                          : head.framing == http::Framing::length ? head.content_length
                                                                  : SIZE_MAX;
  while (have < all && have < body_worth_reading && !deadline.reached()) {
    stream.input().clear();
    auto got = co_await stream.receive();
    if (!got || *got == 0) break;
    have += *got;
  }
}

// The Host field: as the endpoint was written, but a unix socket or a pipe has no authority, nor is a zone part of one.
std::string authority_of(const EndpointSpec& endpoint) {
  const auto address = parse_address(endpoint.text);
  if (address && !address->has_port()) return "localhost";
  std::string text = endpoint.text;
  const std::size_t zone = text.find('%');
  const std::size_t bracket = text.find(']');
  if (zone < bracket && bracket != std::string::npos) text.erase(zone, bracket - zone);
  return text;
}

}  // namespace

std::string health_request(const ProbeTarget& target) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: weir-health-check\r\nAccept: */*\r\nConnection: close\r\n\r\n",
      target.upstream.health_check->path, authority_of(target.endpoint));
}

Task<Probe> probe_http(Reactor& reactor, const ProbeTarget& target, CancelToken token) {
  Stream stream(reactor);
  ProbeDeadline deadline(reactor, stream, target.upstream.health_check->timeout, token);
  auto connecting = connect_for_probe(reactor, stream, target, deadline);
  Probe probe = co_await connecting;
  if (probe.verdict != Probe::Verdict::passed) co_return probe;
  probe.verdict = Probe::Verdict::failed;

  const std::string request = health_request(target);
  IoSlice slice(request);
  const std::span<IoSlice> slices(&slice, 1);
  auto sent = co_await stream.send(slices);
  // A server that refuses the request unread may have said why, so the answer is read in any case.
  auto parser = std::make_unique<http::ResponseParser>();
  auto reading = read_head(stream, *parser, target.limits, deadline);
  probe.reason = co_await reading;
  if (!sent && !probe.reason.empty() && !deadline.reached()) probe.reason = describe(sent.error());
  if (probe.reason.empty()) {
    const http::ResponseHead& head = parser->head();
    probe.reason = fmt::format("status {}", head.status);
    if (head.status >= 200 && head.status < 400) probe.verdict = Probe::Verdict::passed;
    auto rest = read_rest(stream, head, deadline);
    co_await rest;
  }
  auto closing = stream.close();
  co_await closing;
  co_return probe;
}

}  // namespace weir::proxy
