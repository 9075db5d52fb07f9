// The check `http`: a GET is answered with a status that is expected.
#include <fmt/format.h>

#include <algorithm>

#include "core/http/h1_parser.hpp"
#include "core/proxy/health/probe_connection.hpp"

namespace weir::proxy {
namespace {

// Bytes of an answer's body that are read so that the connection ends in order; more is cut off.
constexpr std::size_t body_worth_reading = 64 * 1024;

// A connection that belongs to the probe and to no pool: its end is the probe's business.
class ProbeLink final : public UpstreamLink {
 public:
  using UpstreamLink::UpstreamLink;
  void give_back(bool) noexcept override {}
  void drop() noexcept override {}
};

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

// The request, with what it refers to.
class ProbeRequest {
 public:
  explicit ProbeRequest(const ProbeTarget& target)
      : text_(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: weir-health-check\r\nAccept: */*\r\n\r\n",
                          target.upstream.health_check->path, host_of(target))) {
    rules_.x_forwarded = rules_.forwarded = rules_.via = rules_.request_id = false;
    headers_.set = target.upstream.health_check->headers;
    edit_ = AppliedEdit(&headers_);
    parser_->reset(http::usual_limits);
    valid_ = parser_->parse(text_) == http::Parse::complete;
    plan_.head = &parser_->head();
    plan_.rules = &rules_;
    plan_.limits = &target.limits;
    plan_.edits = {&edit_, 1};
    plan_.close = true;
  }
  const ForwardRequest& plan() const noexcept { return plan_; }
  bool is_valid() const noexcept { return valid_; }  // an endpoint's name may be none that a Host field can hold

 private:
  static std::string host_of(const ProbeTarget& target) {
    const std::string& given = target.upstream.health_check->host;
    return given.empty() ? authority_of(target.endpoint) : given;
  }

  std::string text_;
  Forwarding rules_;
  HeaderEdit headers_;
  AppliedEdit edit_;
  std::unique_ptr<http::RequestParser> parser_ = std::make_unique<http::RequestParser>();
  ForwardRequest plan_;
  bool valid_ = false;
};

std::string why_cut(const HeadRead& read) {
  if (read.cut == Cut::bad_response) return fmt::format("the answer is not HTTP: {}", read.word);
  if (read.cut == Cut::upstream_reset) return "the connection was reset before an answer";
  if (read.cut == Cut::overloaded) return "weir has no room for the answer";
  return "the connection ended before an answer";
}

// The final head of the answer. An empty text: `status` is its status; else why there is none.
Task<std::string> read_head(UpstreamStream& stream, ProbeDeadline& deadline, std::uint16_t& status) {
  for (;;) {
    if (deadline.reached()) co_return deadline.explain(Errc::cancelled, "answer");
    const HeadRead read = co_await stream.response();
    if (deadline.reached()) continue;
    if (read.cut != Cut::none) co_return why_cut(read);
    if (read.head == nullptr) continue;
    status = read.head->status;
    if (status >= 200 || status == 101) co_return std::string{};
    stream.taken();
  }
}

// A server whose answer is not read to its end sees a reset.
Task<void> read_rest(UpstreamStream& stream, ProbeDeadline& deadline) {
  PartRead read = stream.read_at_hand();
  std::size_t have = read.part.size;
  stream.taken();
  while (!read.part.last && read.cut == Cut::none && have < body_worth_reading && !deadline.reached()) {
    read = co_await stream.read_body();
    have += read.part.size;
    stream.taken();
  }
}

bool is_expected(const HealthCheckSpec& check, std::uint16_t status) noexcept {
  if (check.expect.empty()) return status >= 200 && status < 400;
  return std::any_of(check.expect.begin(), check.expect.end(),
                     [&](const HealthCheckSpec::Statuses& one) { return status >= one.first && status <= one.last; });
}

// The request and the answer to it, on a connection that is there.
Task<Probe> ask(UpstreamStream& stream, const ProbeTarget& target, ProbeDeadline& deadline) {
  Probe probe;
  const ProbeRequest request(target);
  if (!request.is_valid()) {
    probe.reason = "its name is not valid as a Host: set host";
    co_return probe;
  }
  const BodyPart nothing;
  const auto sent = co_await stream.request(request.plan(), nothing);
  // A server that refuses the request unread may have said why, so the answer is read in any case.
  std::uint16_t status = 0;
  auto reading = read_head(stream, deadline, status);
  probe.reason = co_await reading;
  if (!sent && !probe.reason.empty() && !deadline.reached()) probe.reason = describe(sent.error());
  if (!probe.reason.empty()) co_return probe;
  probe.reason = fmt::format("status {}", status);
  if (is_expected(*target.upstream.health_check, status)) probe.verdict = Probe::Verdict::passed;
  auto rest = read_rest(stream, deadline);
  co_await rest;
  co_return probe;
}

}  // namespace

Task<Probe> probe_http(Reactor& reactor, UpstreamProtocol& protocol, const ProbeTarget& target, CancelToken token) {
  ProbeLink link(reactor);
  ProbeDeadline deadline(reactor, link.stream, target.upstream.health_check->timeout, token);
  auto connecting = connect_for_probe(reactor, link.stream, target, deadline);
  Probe probe = co_await connecting;
  if (probe.verdict != Probe::Verdict::passed) co_return probe;
  UpstreamStream& stream = protocol.begin(link, false);
  auto asking = ask(stream, target, deadline);
  probe = co_await asking;
  stream.finish(false);
  auto closing = link.stream.close();
  co_await closing;
  co_return probe;
}

}  // namespace weir::proxy
