#include "daemon/control/http_client.hpp"

#include <fmt/format.h>

#include <memory>

#include "core/http/h1_parser.hpp"
#include "core/proxy/h1/upstream_stream.hpp"
#include "core/reactor/open.hpp"
#include "daemon/version.hpp"

namespace weir::daemon {
namespace {

constexpr std::size_t most_body = std::size_t{64} * 1024 * 1024;

// A connection that belongs to the call and to no pool.
class CallLink final : public proxy::UpstreamLink {
 public:
  using UpstreamLink::UpstreamLink;
  void give_back(bool) noexcept override {}
  void drop() noexcept override {}
};

// Cancels what the stream has in flight when the time is up. What is started after that is not cancelled: ask passed()
// before each operation.
class CallDeadline : Timer {
 public:
  CallDeadline(Reactor& reactor, Stream& stream, Duration timeout) noexcept
      : Timer([](Timer& timer) noexcept {
          auto& self = static_cast<CallDeadline&>(timer);
          self.passed_ = true;
          self.stream_.cancel(Direction::both);
        }),
        stream_(stream) {
    reactor.timers().arm(*this, reactor.clock() + timeout);
  }
  bool passed() const noexcept { return passed_; }

 private:
  Stream& stream_;
  bool passed_ = false;
};

// The request, with what it refers to.
class CallRequest {
 public:
  explicit CallRequest(const HttpCall& call)
      : text_(fmt::format("{} {} HTTP/1.1\r\nHost: weir\r\nUser-Agent: weir/{}\r\nAccept: application/json\r\n{}\r\n",
                          call.method, call.path, version(),
                          call.body.empty() ? "" : "Content-Type: application/json\r\n")),
        body_(call.body) {
    rules_.x_forwarded = rules_.forwarded = rules_.via = rules_.request_id = false;
    parser_->reset(http::usual_limits);
    const http::Parse verdict = parser_->parse(text_);
    WEIR_VERIFY(verdict == http::Parse::complete);
    plan_.head = &parser_->head();
    plan_.rules = &rules_;
    plan_.close = true;
    if (call.method != "GET") plan_.body = {http::Framing::length, body_.size()};
    part_.pieces = {&body_, body_.empty() ? std::size_t{0} : std::size_t{1}};
    part_.size = body_.size();
    part_.last = true;
  }
  const proxy::ForwardRequest& plan() const noexcept { return plan_; }
  const proxy::BodyPart& body() const noexcept { return part_; }

 private:
  std::string text_;
  std::string_view body_;
  proxy::Forwarding rules_;
  std::unique_ptr<http::RequestParser> parser_ = std::make_unique<http::RequestParser>();
  proxy::ForwardRequest plan_;
  proxy::BodyPart part_;
};

Task<void> read_reply(proxy::UpstreamStream& stream, CallDeadline& deadline, HttpReply& reply) {
  std::uint16_t status = 0;
  while (status < 200) {
    if (deadline.passed()) co_return;
    const proxy::HeadRead read = co_await stream.response();
    if (deadline.passed()) co_return;
    if (read.cut == proxy::Cut::bad_response) reply.problem = fmt::format("what it answers is not HTTP: {}", read.word);
    if (read.cut != proxy::Cut::none) co_return;
    if (read.head == nullptr) continue;
    status = read.head->status;
    if (status < 200) stream.taken();
  }
  for (bool last = false; !last;) {
    if (deadline.passed()) co_return;
    const proxy::PartRead read = co_await stream.read_body();
    for (const std::string_view piece : read.part.pieces) reply.body.append(piece);
    last = read.part.last;
    stream.taken();
    if (read.cut != proxy::Cut::none || reply.body.size() > most_body) co_return;
  }
  reply.status = status;
}

}  // namespace

Task<HttpReply> ask(Reactor& reactor, const Address& address, const HttpCall& call, Duration timeout) {
  HttpReply reply;
  CallLink link(reactor);
  if (const Error error = open_stream(reactor.backend(), link.stream.handle(), address)) {
    reply.not_connected = error;
    co_return reply;
  }
  CallDeadline deadline(reactor, link.stream, timeout);
  const auto connected = co_await link.stream.connect(address);
  if (!connected) {
    reply.not_connected = deadline.passed() ? Error(Errc::timed_out) : connected.error();
    link.stream.close_now();
    co_return reply;
  }
  proxy::h1::UpstreamSide side(reactor);
  const CallRequest request(call);
  proxy::UpstreamStream& stream = side.begin(link, false);
  const auto sent = co_await stream.request(request.plan(), request.body());
  // A server that does not want the rest may have said why.
  static_cast<void>(sent);
  auto reading = read_reply(stream, deadline, reply);
  co_await reading;
  stream.finish(false);
  auto closing = link.stream.close();
  co_await closing;
  if (reply.status == 0 && reply.problem.empty()) {
    const auto bound = std::chrono::duration_cast<std::chrono::milliseconds>(timeout);
    reply.problem = deadline.passed() ? fmt::format("no answer within {} ms", bound.count())
                                      : std::string("the connection ended before an answer");
  }
  co_return reply;
}

}  // namespace weir::daemon
