#include "tests/sim/scripted_exchange.hpp"

#include "core/coro/frame_pool.hpp"

namespace weir::sim {
namespace {

std::shared_ptr<const proxy::Snapshot> compile(std::size_t endpoints, ScriptedExchange::Configure configure,
                                               const proxy::Findings& findings) {
  auto spec = std::make_shared<proxy::Spec>();
  spec->access_log.enabled = true;
  spec->access_log.format = proxy::LogFormat::json;
  spec->timeouts.half_closed = std::chrono::seconds{1};
  spec->listeners.emplace_back().name = "web";
  spec->listeners[0].upstream = "app";
  proxy::UpstreamSpec& upstream = spec->upstreams.emplace_back();
  upstream.name = "app";
  for (std::size_t i = 0; i < endpoints; ++i) {
    proxy::EndpointSpec& endpoint = upstream.endpoints.emplace_back();
    endpoint.text = std::string(1, static_cast<char>('a' + i));
    endpoint.addresses.emplace_back();
  }
  if (configure != nullptr) configure(*spec);
  return std::make_shared<const proxy::Snapshot>(std::move(spec), findings);
}

proxy::ServerOptions options_of(std::string& line, proxy::Handler* handler) {
  proxy::ServerOptions options;
  options.handler = handler;
  options.context = &line;
  options.log_line = [](void* to, std::string_view text) noexcept { static_cast<std::string*>(to)->append(text); };
  return options;
}

}  // namespace

ScriptedExchange::ScriptedExchange(std::string_view head, std::size_t endpoints, Configure configure,
                                   proxy::Findings findings, proxy::Handler* handler)
    : frames_before_(FramePool::live()),
      world(1),
      reactor(world.make_backend()),
      engine_(reactor, compile(endpoints, configure, findings), options_of(line_, handler)),
      source(reactor, trace),
      client(reactor, engine_.snapshot, timer, trace, head) {
  world.drive(reactor);
  engine_.source = &source;
}

ScriptedExchange::~ScriptedExchange() {
  if (exchange_ && running_.live() > 0) stop();
  WEIR_VERIFY(running_.live() == 0);
  exchange_.reset();
  WEIR_VERIFY(FramePool::live() == frames_before_);
  WEIR_VERIFY(reactor.buffers().in_use() == 0);
  world.release(reactor);
}

Task<void> ScriptedExchange::exchange() {
  auto running = exchange_->run();
  co_await running;
}

void ScriptedExchange::run() {
  exchange_.emplace(engine_, client);
  running_.spawn(exchange());
  settle();
}

void ScriptedExchange::settle() {
  for (int turn = 0; turn < 10; ++turn) reactor.turn(reactor.clock());
}

void ScriptedExchange::pass(Duration span) {
  world.run_for(span);
  settle();
}

std::string ScriptedExchange::complaint() {
  if (!ended()) return "it has not ended\n" + trace.text();
  if (client.finished != 1) return "the client stream was not finished once\n" + trace.text();
  for (std::size_t i = 0; i < source.size(); ++i)
    if (source.at(i).finished != 1) return source.at(i).name() + " was not finished once\n" + trace.text();
  for (const std::string& line : trace.lines()) {
    const bool bad = line.find("after finish") != line.npos || line.find("under way") != line.npos ||
                     line.find("twice") != line.npos;
    if (bad) return line + "\n" + trace.text();
  }
  return {};
}

std::string ScriptedExchange::ending() const {
  const std::size_t at = line_.rfind("\"end\":\"");
  if (at == line_.npos) return "nothing was logged";
  return line_.substr(at + 7, line_.find('"', at + 7) - at - 7);
}

int ScriptedExchange::number(std::string_view key) const {
  const std::size_t at = line_.find("\"" + std::string(key) + "\":");
  return at == line_.npos ? -1 : std::stoi(line_.substr(at + key.size() + 3));
}

}  // namespace weir::sim
