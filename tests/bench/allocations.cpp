// allocations [REQUESTS]: proves that a keep-alive request costs no heap allocation in the steady state. The engine
// runs on a real backend in a thread of its own, whose every allocation is counted; a client and an upstream with
// blocking sockets run in threads that are not. For each kind of exchange: warm up, then count over REQUESTS (10,000).
//
// The engine gives memory back when it needs less than before, and takes it again when it needs more: that follows the
// load, not the number of requests. So the requests are counted in ten windows, and in most of them nothing may have
// been allocated. Ends with 1 otherwise. WEIR_BACKEND names the backend.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/backends/registry.hpp"
#include "core/proxy/server.hpp"

// ---- counting: the C library's functions are what operator new, buffers and libraries end in ---------------------

namespace {
thread_local bool counted = false;
std::atomic<std::uint64_t> allocations{0};

void count() noexcept {
  if (counted) allocations.fetch_add(1, std::memory_order_relaxed);
}
}  // namespace

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t n, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) { return count(), __libc_malloc(size); }
void* calloc(std::size_t n, std::size_t size) { return count(), __libc_calloc(n, size); }
void* realloc(void* block, std::size_t size) { return count(), __libc_realloc(block, size); }
void* memalign(std::size_t alignment, std::size_t size) { return count(), __libc_memalign(alignment, size); }
void* aligned_alloc(std::size_t alignment, std::size_t size) { return count(), __libc_memalign(alignment, size); }
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  count();
  *out = __libc_memalign(alignment, size);
  return *out ? 0 : ENOMEM;
}
}

namespace {

using namespace weir;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

// ---- blocking sockets ---------------------------------------------------------------------------------------------

class Socket {
 public:
  explicit Socket(int fd) noexcept : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

  void send_all(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) fail("send");
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // 0: the peer has closed.
  std::size_t receive(char* into, std::size_t size) const {
    const ssize_t n = ::recv(fd_, into, size, 0);
    if (n < 0) fail("recv");
    return static_cast<std::size_t>(n);
  }

 private:
  int fd_;
};

Socket listen_on_loopback(std::uint16_t& port) {
  Socket listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.fd(), any, size) != 0 || ::listen(listener.fd(), 512) != 0) fail("listen");
  if (::getsockname(listener.fd(), any, &size) != 0) fail("getsockname");
  port = ntohs(address.sin_port);
  return listener;
}

Socket connect_to_loopback(std::uint16_t port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
  return socket;
}

// Reads one message whose end is known: `body` bytes behind the head.
void read_message(const Socket& socket, std::size_t body, std::vector<char>& buffer) {
  std::size_t have = 0;
  std::size_t need = 0;
  while (need == 0 || have < need) {
    const std::size_t got = socket.receive(buffer.data() + have, buffer.size() - have);
    if (got == 0) fail("the connection was closed early");
    have += got;
    const std::size_t end = std::string_view(buffer.data(), have).find("\r\n\r\n");
    if (need == 0 && end != std::string_view::npos) need = end + 4 + body;
  }
  if (have != need) fail("more bytes than expected");
}

// ---- the engine in its thread -------------------------------------------------------------------------------------

struct Exchange {
  const char* name;
  std::string request;
  std::size_t request_body;  // bytes behind its head, as the upstream receives them
  std::string response;
  std::size_t response_body;  // bytes behind its head, as the client receives them
  int connections;
};

class Proxy {
 public:
  Proxy(std::uint16_t upstream_port, Socket listener) : listener_(std::move(listener)) {
    auto spec = std::make_shared<proxy::Spec>();
    auto& upstream = spec->upstreams.emplace_back();
    upstream.name = "origin";
    auto& endpoint = upstream.endpoints.emplace_back();
    endpoint.text = "127.0.0.1:" + std::to_string(upstream_port);
    endpoint.addresses.push_back(*parse_address(endpoint.text));
    auto& front = spec->listeners.emplace_back();
    front.name = "front";
    front.upstream = "origin";
    spec->access_log.enabled = true;
    spec->access_log.format = proxy::LogFormat::json;
    spec_ = std::move(spec);
    thread_ = std::thread([this] { run(); });
    while (!server_.load()) std::this_thread::yield();
  }
  ~Proxy() {
    stop_.run = [](Posted& posted) noexcept { static_cast<Stop&>(posted).server->stop(); };
    stop_.server = server_.load();
    reactor_.load()->post(stop_);
    thread_.join();
  }
  std::uint64_t lines() const noexcept { return lines_.load(); }

 private:
  struct Stop : Posted {
    proxy::Server* server = nullptr;
  };

  static Task<void> serve(proxy::Server& server, bool& good) {
    Result<void> result = co_await server.run();
    good = result.has_value();
  }

  void run() {
    const char* wanted = std::getenv("WEIR_BACKEND");
    auto backend = make_backend(wanted ? wanted : "auto");
    if (!backend) fail(backend.error());
    Reactor reactor(std::move(*backend));
    proxy::ServerOptions options;
    options.listeners.push_back({0, listener_.release()});
    options.context = this;
    options.log_line = [](void* self, std::string_view) noexcept { ++static_cast<Proxy*>(self)->lines_; };
    proxy::Server server(reactor, std::make_shared<proxy::Snapshot>(spec_), options);
    bool good = false;
    reactor_.store(&reactor);
    server_.store(&server);
    counted = true;
    reactor.run(serve(server, good));
    counted = false;
    if (!good) fail("the server did not start");
  }

  Socket listener_;
  std::shared_ptr<const proxy::Spec> spec_;
  std::atomic<Reactor*> reactor_{nullptr};
  std::atomic<proxy::Server*> server_{nullptr};
  std::atomic<std::uint64_t> lines_{0};
  Stop stop_;
  std::thread thread_;
};

// Answers every request on every connection; ends when the proxy has closed them and `listener` was shut down.
void serve_upstream(const Socket& listener, const Exchange& exchange) {
  std::vector<std::thread> threads;
  for (;;) {
    const int fd = ::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) break;
    threads.emplace_back([fd, &exchange] {
      const Socket socket(fd);
      std::vector<char> buffer(std::size_t{1} << 20);
      std::size_t have = 0;
      std::size_t need = 0;
      while (const std::size_t got = socket.receive(buffer.data() + have, buffer.size() - have)) {
        have += got;
        const std::size_t end = std::string_view(buffer.data(), have).find("\r\n\r\n");
        if (need == 0 && end != std::string_view::npos) need = end + 4 + exchange.request_body;
        if (need == 0 || have < need) continue;
        have = need = 0;
        socket.send_all(exchange.response);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

constexpr int windows = 10;

bool measure(const Exchange& exchange, int requests) {
  std::uint16_t upstream_port = 0;
  std::uint16_t port = 0;
  const Socket upstream = listen_on_loopback(upstream_port);
  Socket listener = listen_on_loopback(port);
  std::thread origin([&] { serve_upstream(upstream, exchange); });
  const std::uint64_t at_start = allocations.load();
  const int rounds = std::max(1, requests / windows / exchange.connections);
  const int counted_requests = windows * rounds * exchange.connections;
  int quiet = 0;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  std::uint64_t lines = 0;
  {
    Proxy proxy(upstream_port, std::move(listener));
    std::vector<Socket> clients;
    for (int i = 0; i < exchange.connections; ++i) clients.push_back(connect_to_loopback(port));
    std::vector<char> buffer(std::size_t{1} << 20);
    // All connections have a request in flight at the same time.
    const auto send_to_all = [&](int times) {
      for (int round = 0; round < times; ++round) {
        for (const Socket& client : clients) client.send_all(exchange.request);
        for (const Socket& client : clients) read_message(client, exchange.response_body, buffer);
      }
    };
    send_to_all(1000 / exchange.connections + 1);
    before = after = allocations.load();
    if (before == at_start) fail("setting up allocated nothing: the counter does not work");
    for (int window = 0; window < windows; ++window) {
      send_to_all(rounds);
      const std::uint64_t now = allocations.load();
      quiet += now == after;
      after = now;
    }
    lines = proxy.lines();
  }
  ::shutdown(upstream.fd(), SHUT_RDWR);
  origin.join();
  std::printf("%-44s %6d requests %6llu allocations %8.4f a request\n", exchange.name, counted_requests,
              static_cast<unsigned long long>(after - before), static_cast<double>(after - before) / counted_requests);
  std::fflush(stdout);
  if (lines < static_cast<std::uint64_t>(counted_requests)) fail("not every request was logged");
  return quiet > windows / 2;
}

std::vector<Exchange> exchanges() {
  const std::string host = "Host: bench.test\r\nUser-Agent: allocations\r\nAccept: */*\r\n";
  const std::string kib(1024, 'x');
  const std::string large(100 * 1024, 'y');
  const std::string length_1k = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n" + kib;
  const std::string get = "GET /path?a=b HTTP/1.1\r\n" + host + "\r\n";
  const std::string post =
      "POST /upload HTTP/1.1\r\n" + host + "Content-Length: " + std::to_string(large.size()) + "\r\n\r\n";
  const std::string chunks = "400\r\n" + kib + "\r\n0\r\n\r\n";
  return {
      {"GET, one connection", get, 0, length_1k, 1024, 1},
      {"GET, 64 connections", get, 0, length_1k, 1024, 64},
      {"GET of a path that is rewritten", "GET /a/%2e/b%41 HTTP/1.1\r\n" + host + "\r\n", 0, length_1k, 1024, 8},
      {"GET, answered in chunks", get, 0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
       chunks.size(), 8},
      {"GET, answered with 100 KiB", get, 0,
       "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large.size()) + "\r\n\r\n" + large, large.size(), 8},
      {"POST of 100 KiB", post + large, large.size(), length_1k, 1024, 8},
      {"POST in chunks", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n" + chunks, chunks.size(),
       length_1k, 1024, 8},
  };
}

}  // namespace

int main(int argc, char** argv) {
  const int requests = argc > 1 ? std::atoi(argv[1]) : 10'000;
  if (requests < 64) {
    std::fprintf(stderr, "usage: allocations [REQUESTS], at least 64\n");
    return 2;
  }
  int passed = 0;
  int failed = 0;
  try {
    for (const Exchange& exchange : exchanges()) ++(measure(exchange, requests) ? passed : failed);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "allocations: %s\n", error.what());
    return 1;
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed ? 1 : 0;
}
