#include "core/proxy/health_probes.hpp"

#include <fmt/format.h>

#include "core/http/h1_parser.hpp"
#include "core/net/stream.hpp"
#include "core/reactor/run_child.hpp"

namespace weir::proxy {
namespace {

// Bytes of an answer's body that are read so that the connection ends in order; more is cut off.
constexpr std::size_t body_worth_reading = 64 * 1024;

std::string too_late(std::string_view what, Duration timeout) {
  return fmt::format("no {} within {} ms", what, std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count());
}

// Ends what the stream has in flight when the time is up or the check is no longer wanted. Asked before each operation.
class Limit : Timer, CancelCallback {
 public:
  Limit(Reactor& reactor, Stream& stream, Duration timeout, CancelToken token) noexcept
      : Timer([](Timer& timer) noexcept { static_cast<Limit&>(timer).reach(true); }),
        CancelCallback([](CancelCallback& callback) noexcept { static_cast<Limit&>(callback).reach(false); }),
        stream_(stream), timeout_(timeout) {
    reactor.timers().arm(*this, reactor.now() + timeout);
    token.subscribe(*this);
  }

  bool reached() const noexcept { return reached_; }
  std::string explain(const Error& error, std::string_view during) const {
    return late_ ? too_late(during, timeout_) : describe(error);
  }

 private:
  void reach(bool late) noexcept {
    if (reached_) return;
    reached_ = true;
    late_ = late;
    stream_.cancel(Direction::both);
  }

  Stream& stream_;
  Duration timeout_;
  bool reached_ = false;
  bool late_ = false;
};

bool is_own_lack(const Error& error) noexcept {
  return error.code == Errc::descriptor_limit || error.code == Errc::out_of_memory ||
         error.code == Errc::not_supported || error.code == Errc::limit_exceeded;
}

Error open_stream(Reactor& reactor, Stream& stream, const Address& address) noexcept {
  OpenSpec spec;
  spec.what = OpenSpec::What::stream;
  spec.address = address;
  Error error = reactor.backend().open(stream.handle(), spec);
  if (error) return error;
  error = reactor.backend().attach(stream.handle());
  if (error) reactor.backend().close(stream.handle());
  return error;
}

// Passed: the stream is connected. Else it is closed.
Task<Probe> connect(Reactor& reactor, Stream& stream, const ProbeTarget& target, Limit& limit) {
  Probe probe;
  probe.reason = "it has no address";
  for (const Address& address : target.endpoint.addresses) {
    if (limit.reached()) break;
    if (const Error error = open_stream(reactor, stream, address)) {
      probe.verdict = is_own_lack(error) ? Probe::Verdict::not_made : Probe::Verdict::failed;
      probe.reason = describe(error);
      continue;
    }
    auto connected = co_await stream.connect(address);
    if (connected && !limit.reached()) {
      probe.verdict = Probe::Verdict::passed;
      break;
    }
    probe.verdict = Probe::Verdict::failed;
    probe.reason = limit.explain(connected ? Error(Errc::cancelled) : connected.error(), "connection");
    stream.close_now();
  }
  co_return probe;
}

// The head of the answer, the informational ones before it passed over. An empty text: parser.head() is the head.
Task<std::string> read_head(Stream& stream, http::ResponseParser& parser, const http::Limits& limits, Limit& limit) {
  parser.reset(limits, http::Method::get);
  for (;;) {
    if (limit.reached()) co_return limit.explain(Errc::cancelled, "answer");
    if (stream.input() && stream.input().room().size() < 4096) stream.input().compact();
    auto got = co_await stream.receive();
    if (!got) co_return limit.explain(got.error(), "answer");
    if (*got == 0) co_return "the connection ended before an answer";
    http::Parse verdict = parser.parse(stream.input().view());
    while (verdict == http::Parse::complete && parser.head().status < 200 && parser.head().status != 101) {
      stream.input().consume(parser.head().size);
      parser.reset(limits, http::Method::get);
      verdict = stream.input().empty() ? http::Parse::need_more : parser.parse(stream.input().view());
    }
    if (verdict == http::Parse::refused) co_return fmt::format("the answer is no HTTP: {}", parser.refusal().word);
    if (verdict == http::Parse::complete) co_return std::string{};
  }
}

// A server whose answer is not read to its end sees a reset.
Task<void> read_rest(Stream& stream, const http::ResponseHead& head, Limit& limit) {
  std::size_t have = stream.input().size() - head.size;
  const std::size_t all = head.framing == http::Framing::none     ? 0
                          : head.framing == http::Framing::length ? head.content_length
                                                                  : SIZE_MAX;
  while (have < all && have < body_worth_reading && !limit.reached()) {
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

// For one line of a log.
std::string line_of(std::string_view output, bool is_cut) {
  std::string line(output);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  line.erase(line.find_last_not_of(' ') + 1);
  if (is_cut) line += "...";
  return line;
}

std::string ip_of(const Address& address) {
  if (address.family == Family::unix_path) return std::string(address.path);
  if (address.family == Family::named_pipe) return to_string(address);
  char text[max_ip_text];
  return {text, write_ip(address, text)};
}

Probe judge(const RunResult& run, Duration timeout) {
  Probe probe;
  probe.output = line_of(run.output, run.dropped > 0);
  if (run.end == RunEnd::timed_out) {
    probe.reason = too_late("end", timeout) + ": killed";
  } else if (run.end == RunEnd::not_started) {
    probe.verdict = is_own_lack(run.error) ? Probe::Verdict::not_made : Probe::Verdict::failed;
    probe.reason = "cannot be started: " + describe(run.error);
  } else if (run.end == RunEnd::cancelled || run.error) {
    probe.verdict = Probe::Verdict::not_made;
    probe.reason = describe(run.error ? run.error : Error(Errc::cancelled));
  } else if (run.status.signal != 0) {
    probe.reason = fmt::format("ended by signal {}", run.status.signal);
  } else {
    if (run.succeeded()) probe.verdict = Probe::Verdict::passed;
    probe.reason = fmt::format("exit code {}", run.status.code);
  }
  return probe;
}

}  // namespace

std::vector<EnvironmentVariable> script_environment(const ProbeTarget& target) {
  const std::vector<Address>& addresses = target.endpoint.addresses;
  std::string all;
  for (const Address& address : addresses) all += (all.empty() ? "" : " ") + to_string(address);
  const bool has_port = !addresses.empty() && addresses.front().has_port();
  return {
      {"WEIR_UPSTREAM", target.upstream.name},
      {"WEIR_ENDPOINT", target.endpoint.text},
      {"WEIR_ADDRESS", addresses.empty() ? std::string{} : ip_of(addresses.front())},
      {"WEIR_PORT", has_port ? fmt::format("{}", addresses.front().port) : std::string{}},
      {"WEIR_ADDRESSES", all},
      {"WEIR_STATE", target.was_up ? "up" : "down"},
  };
}

std::string health_request(const ProbeTarget& target) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: weir-health-check\r\nAccept: */*\r\nConnection: close\r\n\r\n",
      target.upstream.health_check->path, authority_of(target.endpoint));
}

Task<Probe> probe_tcp(Reactor& reactor, const ProbeTarget& target, CancelToken token) {
  Stream stream(reactor);
  Limit limit(reactor, stream, target.upstream.health_check->timeout, token);
  auto connecting = connect(reactor, stream, target, limit);
  Probe probe = co_await connecting;
  if (stream.is_open()) stream.close_now();
  co_return probe;
}

Task<Probe> probe_http(Reactor& reactor, const ProbeTarget& target, CancelToken token) {
  Stream stream(reactor);
  Limit limit(reactor, stream, target.upstream.health_check->timeout, token);
  auto connecting = connect(reactor, stream, target, limit);
  Probe probe = co_await connecting;
  if (probe.verdict != Probe::Verdict::passed) co_return probe;
  probe.verdict = Probe::Verdict::failed;

  const std::string request = health_request(target);
  IoSlice slice(request);
  const std::span<IoSlice> slices(&slice, 1);
  auto sent = co_await stream.send(slices);
  // A server that refuses the request unread may have said why, so the answer is read in any case.
  auto parser = std::make_unique<http::ResponseParser>();
  auto reading = read_head(stream, *parser, target.limits, limit);
  probe.reason = co_await reading;
  if (!sent && !probe.reason.empty() && !limit.reached()) probe.reason = describe(sent.error());
  if (probe.reason.empty()) {
    const http::ResponseHead& head = parser->head();
    probe.reason = fmt::format("status {}", head.status);
    if (head.status >= 200 && head.status < 400) probe.verdict = Probe::Verdict::passed;
    auto rest = read_rest(stream, head, limit);
    co_await rest;
  }
  auto closing = stream.close();
  co_await closing;
  co_return probe;
}

Task<Probe> probe_script(Reactor& reactor, const ProbeTarget& target, CancelToken token) {
  const HealthCheckSpec& check = *target.upstream.health_check;
  RunSpec spec;
  spec.argv = check.script;
  spec.environment = script_environment(target);
  spec.timeout = check.timeout;
  spec.max_output = kept_output;
  auto running = run_child(reactor, spec, token);
  const RunResult run = co_await running;
  co_return judge(run, check.timeout);
}

}  // namespace weir::proxy
