// tunnel [--weir FILE] [--backends A,B,...] [--connections N] [--rounds N] [--seconds S] [--messages N] [--bulk]
// [--one-processor]: the CPU time that weir spends on a tunnel, for each event mechanism side by side. Each round
// starts `weir run` with one worker for each of them, in an order that rotates, and opens tunnels (64) through it by an
// HTTP/1.1 upgrade; client and origin are this one thread. Messages of 100 bytes go back and forth in each tunnel, one
// at a time, for S seconds (2) after a warm-up, or N times; with --bulk the origin sends as fast as it can, through 8
// tunnels.
//
// Tells what weir's process (all threads) took per message echoed, or per GiB: the quietest round and the median; the
// median's ratio to epoll is that of the ratios within one round, which other work on the machine disturbs least.
// `busy` is its share of one processor: well below 100 % others were in the way, and weir found less to do in a turn.
// With --one-processor weir runs while this program waits, so that all messages are there at every turn: figures that
// vary less on a machine with other work, and are lower, as every byte is in the caches.
// Every byte is accounted for; ends with 1 if one is missing or weir fails. Times are for people to judge. Linux.

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/backends/registry.hpp"
#include "core/platform/descriptors.hpp"
#include "core/reactor/platforms.hpp"

using namespace weir;

namespace {

struct Options {
  std::string weir;  // empty: the one beside this program
  std::vector<std::string> backends;
  std::size_t connections = 0;  // 0: 64, or 8 for --bulk
  std::size_t rounds = 4;
  std::size_t messages = 0;  // per connection; 0: as many as `seconds` allow
  double seconds = 2;
  bool bulk = false;
  bool one_processor = false;
};

constexpr std::size_t message_size = 100;
constexpr double warm_up = 0.3;    // seconds
constexpr int patience = 10'000;   // ms in which something must move
constexpr double for_good = 1e12;  // a time that does not come

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }
[[noreturn]] void fail_call(const std::string& what) { fail(what + ": " + std::strerror(errno)); }

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// ---- processors ---------------------------------------------------------------------------------------------------

// The first two that this process may use: one for weir, one for us. Empty where there is only one.
std::vector<int> two_processors() {
  cpu_set_t allowed;
  std::vector<int> found;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return {};
  for (int i = 0; i < CPU_SETSIZE && found.size() < 2; ++i) {
    if (CPU_ISSET(i, &allowed)) found.push_back(i);
  }
  return found.size() == 2 ? found : std::vector<int>{};
}

void stay_on(int processor) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(processor, &only);
  if (::sched_setaffinity(0, sizeof only, &only) != 0) fail_call("sched_setaffinity");
}

// ---- sockets ------------------------------------------------------------------------------------------------------

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept { return std::swap(fd_, other.fd_), *this; }
  ~Descriptor() { reset(); }
  int operator*() const noexcept { return fd_; }
  void reset() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

// Blocking, but never for good.
void be_patient(int socket) {
  const timeval limit{patience / 1000, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

Descriptor loopback_socket(std::uint16_t& port, bool listens) {
  Descriptor made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  be_patient(*made);
  if (!listens) {
    if (::connect(*made, any, size) != 0) fail_call("connect");
    return made;
  }
  if (::bind(*made, any, size) != 0 || ::listen(*made, 512) != 0 || ::getsockname(*made, any, &size) != 0) {
    fail_call("listen");
  }
  port = ntohs(address.sin_port);
  return made;
}

// A system call that a signal has ended is made again: with a time limit the kernel does not do that by itself.
template <class Call>
auto uninterrupted(const Call& call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

void send_all(int socket, std::string_view bytes) {
  const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(bytes.size())) fail_call("send");
}

// Nothing follows a head before it was answered.
std::string read_head(int socket) {
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    char buffer[4096];
    const ssize_t got = uninterrupted([&] { return ::recv(socket, buffer, sizeof buffer, 0); });
    if (got <= 0) fail_call("no head, but \"" + head + '"');
    head.append(buffer, static_cast<std::size_t>(got));
  }
  return head;
}

// ---- weir in its process ------------------------------------------------------------------------------------------

struct TemporaryDirectory {
  TemporaryDirectory() {
    if (!::mkdtemp(path.data())) fail_call("mkdtemp");
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path = (std::filesystem::temp_directory_path() / "weir-tunnel-XXXXXX").string();
};

class Weir {
 public:
  Weir(const Options& options, const std::string& backend, std::uint16_t origin, int processor) {
    const std::string file = directory_.path + "/weir.yaml";
    std::ofstream(file) << "runtime: { workers: 1, backend: " << backend << " }\n"
                        << "timeouts: { head: 600s, connect: 5s, first_byte: 600s, idle: 600s }\n"
                        << "forwarding: { x_forwarded: false, forwarded: false, via: false, request_id: false }\n"
                        << "upstreams:\n  origin: { endpoints: [\"127.0.0.1:" << origin << "\"] }\n"
                        << "listeners:\n  front: { bind: \"127.0.0.1:0\", upstream: origin }\n";
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) fail_call("pipe");
    Descriptor reading(ready[0]);
    Descriptor writing(ready[1]);
    pid_ = ::fork();
    if (pid_ < 0) fail_call("fork");
    if (pid_ == 0) become(options.weir, file, *writing, *log_, processor);
    writing.reset();
    port_ = port_in(*reading);
    if (port_ == 0) {
      end(SIGKILL);
      fail(options.weir + " did not become ready with " + backend + ":\n" + log());
    }
  }
  Weir(const Weir&) = delete;
  ~Weir() {
    if (pid_ > 0) end(SIGKILL);
  }

  std::uint16_t port() const noexcept { return port_; }

  // Of all its threads, in seconds. By the process's clock, since /proc tells hundredths of a second only.
  double processor_time() const {
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &time) != 0) fail("weir has ended");
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  }

  void stop() {
    if (const int status = end(SIGTERM); status != 0) {
      fail("weir ended with status " + std::to_string(status) + ":\n" + log());
    }
  }

 private:
  [[noreturn]] static void become(const std::string& program, const std::string& file, int ready, int log,
                                  int processor) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (processor >= 0) stay_on(processor);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::fcntl(ready, F_SETFD, 0);
    const std::string number = std::to_string(ready);
    ::execl(program.c_str(), program.c_str(), "run", file.c_str(), "--ready-fd", number.c_str(), nullptr);
    std::perror(program.c_str());
    std::_Exit(127);
  }

  // Of the line in which weir tells its addresses; 0: it said nothing and has ended.
  static std::uint16_t port_in(int descriptor) {
    std::string line;
    char buffer[512];
    for (ssize_t got = 0; (got = ::read(descriptor, buffer, sizeof buffer)) > 0;) {
      line.append(buffer, static_cast<std::size_t>(got));
    }
    const std::string_view before = "\"127.0.0.1:";
    const std::size_t at = line.find(before);
    return static_cast<std::uint16_t>(at == std::string::npos ? 0 : std::atoi(&line[at + before.size()]));
  }

  int end(int signal) {
    int status = 0;
    ::kill(pid_, signal);
    uninterrupted([&] { return ::waitpid(pid_, &status, 0); });
    pid_ = -1;
    return status;
  }

  std::string log() const {
    std::string text(4096, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(::pread(*log_, text.data(), text.size(), 0), 0)));
    return text;
  }

  TemporaryDirectory directory_;
  Descriptor log_{::open((directory_.path + "/log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

// ---- the load -----------------------------------------------------------------------------------------------------

struct Tunnel {
  Descriptor client, origin;
  std::array<char, message_size> message{};  // the one under way: its number, and filling
  std::array<char, message_size> back{};
  std::size_t got = 0;      // bytes of `back`
  std::uint64_t done = 0;   // messages echoed, or bytes sent by the origin
  std::uint64_t moved = 0;  // bytes that came out at the other side
};

// The tunnels of one round, on one epoll. The side that starts (the client; in bulk the origin) also ends them: its
// end of the stream is awaited at the other side, so that what was sent can be compared with what came.
class Load {
 public:
  Load(const Options& options, std::size_t count, std::uint16_t port, int listener)
      : options_(options), tunnels_(count), epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(1U << 20U, 'b') {
    for (std::size_t i = 0; i < count; ++i) open(tunnels_[i], port, listener);
    for (std::size_t i = 0; i < count; ++i) {
      watch(*tunnels_[i].client, i * 2, EPOLLIN);
      watch(*tunnels_[i].origin, i * 2 + 1, options.bulk ? EPOLLOUT : EPOLLIN);
      if (!options.bulk) speak(tunnels_[i]);
    }
    open_ = count * 2;
  }

  // Until the point in time, or until nothing is left open.
  void run_until(double end) {
    std::array<epoll_event, 256> events;
    while (open_ > 0 && seconds_now() < end) {
      const int count = ::epoll_wait(*epoll_, events.data(), static_cast<int>(events.size()), patience);
      if (count == 0) fail("nothing moves any more");
      for (int i = 0; i < count; ++i) {
        const std::uint64_t which = events[static_cast<std::size_t>(i)].data.u64;
        Tunnel& tunnel = tunnels_[which / 2];
        const bool origin = which % 2 != 0;
        const bool ended =
            options_.bulk ? (origin ? pour(tunnel) : drink(tunnel)) : (origin ? echo(tunnel) : hear(tunnel));
        if (!ended) continue;
        const int fd = origin ? *tunnel.origin : *tunnel.client;
        ::epoll_ctl(*epoll_, EPOLL_CTL_DEL, fd, nullptr);
        --open_;
      }
    }
  }

  void finish() {
    stopping_ = true;
    run_until(for_good);
    for (const Tunnel& tunnel : tunnels_) {
      if (tunnel.moved != tunnel.done * (options_.bulk ? 1 : message_size)) fail("bytes are missing, or too many");
      if (options_.messages != 0 && tunnel.done != options_.messages) fail("messages are missing");
    }
  }

  std::uint64_t done() const {
    std::uint64_t sum = 0;
    for (const Tunnel& tunnel : tunnels_) sum += options_.bulk ? tunnel.moved : tunnel.done;
    return sum;
  }

 private:
  static void open(Tunnel& tunnel, std::uint16_t port, int listener) {
    tunnel.client = loopback_socket(port, false);
    send_all(*tunnel.client, "GET / HTTP/1.1\r\nHost: bench.test\r\nConnection: upgrade\r\nUpgrade: bench\r\n\r\n");
    tunnel.origin = Descriptor(uninterrupted([&] { return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); }));
    if (*tunnel.origin < 0) fail_call("no connection from weir");
    be_patient(*tunnel.origin);
    read_head(*tunnel.origin);
    send_all(*tunnel.origin, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: bench\r\n\r\n");
    if (const std::string head = read_head(*tunnel.client); !head.starts_with("HTTP/1.1 101 ")) fail(head);
    for (std::size_t i = 0; i < message_size; ++i) tunnel.message[i] = static_cast<char>(i);
  }

  void watch(int fd, std::uint64_t which, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.u64 = which;
    if (::epoll_ctl(*epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail_call("epoll_ctl");
  }

  // 0: the end of the stream.
  static std::size_t receive(int socket, char* into, std::size_t size, int flags = 0) {
    const ssize_t got = ::recv(socket, into, size, flags | MSG_DONTWAIT);
    if (got < 0) fail_call("recv");
    return static_cast<std::size_t>(got);
  }

  static void speak(Tunnel& tunnel) {
    std::memcpy(tunnel.message.data(), &tunnel.done, sizeof tunnel.done);
    send_all(*tunnel.client, {tunnel.message.data(), message_size});
  }

  // The four return true when they want no more events: the end of the stream has come, or was sent.

  bool hear(Tunnel& tunnel) {
    const std::size_t got = receive(*tunnel.client, tunnel.back.data() + tunnel.got, message_size - tunnel.got);
    if (got == 0) return true;
    tunnel.got += got;
    if (tunnel.got < message_size) return false;
    if (tunnel.back != tunnel.message) fail("another message came back");
    tunnel.got = 0;
    ++tunnel.done;
    if (stopping_ || tunnel.done == options_.messages) {
      ::shutdown(*tunnel.client, SHUT_WR);
    } else {
      speak(tunnel);
    }
    return false;
  }

  bool echo(Tunnel& tunnel) {
    const std::size_t got = receive(*tunnel.origin, buffer_.data(), buffer_.size());
    tunnel.moved += got;
    if (got == 0) return ::shutdown(*tunnel.origin, SHUT_WR) == 0;
    send_all(*tunnel.origin, {buffer_.data(), got});
    return false;
  }

  bool pour(Tunnel& tunnel) {
    if (stopping_) return ::shutdown(*tunnel.origin, SHUT_WR) == 0;
    constexpr std::size_t at_once = 256 * 1024;
    const ssize_t sent = ::send(*tunnel.origin, buffer_.data(), at_once, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) fail_call("send");
    tunnel.done += static_cast<std::uint64_t>(std::max<ssize_t>(sent, 0));
    return false;
  }

  // Counted by the kernel, not copied: else this side would be slower than weir.
  bool drink(Tunnel& tunnel) {
    const std::size_t got = receive(*tunnel.client, buffer_.data(), buffer_.size(), MSG_TRUNC);
    tunnel.moved += got;
    return got == 0;
  }

  const Options& options_;
  std::vector<Tunnel> tunnels_;
  Descriptor epoll_;
  std::vector<char> buffer_;
  std::size_t open_ = 0;  // sides that events are awaited of
  bool stopping_ = false;
};

// ---- measuring ----------------------------------------------------------------------------------------------------

struct Round {
  double cost;  // seconds per message or GiB
  double busy;  // share of a processor
  double rate;  // messages or GiB per second
};

// What select holds is bounded: two sockets a tunnel, and some that weir has anyway.
std::size_t connections_for(const Options& options, const std::string& backend) {
  const std::size_t wanted = options.connections ? options.connections : options.bulk ? 8 : 64;
  const auto kind = backend_named(backend);
  const std::size_t most = kind ? platform_limits({compiled_os(), 0, *kind}).max_sockets : 0;
  return most == 0 ? wanted : std::min(wanted, (most - 64) / 2);
}

Round measure(const Options& options, const std::string& backend, const std::vector<int>& processors) {
  std::uint16_t origin_port = 0;
  const Descriptor listener = loopback_socket(origin_port, true);
  Weir weir(options, backend, origin_port, processors.empty() ? -1 : processors[0]);
  double time = 0, used = 0, done = 0;
  {
    Load load(options, connections_for(options, backend), weir.port(), *listener);
    if (options.messages == 0) load.run_until(seconds_now() + warm_up);
    const auto done_before = load.done();
    const double used_before = weir.processor_time();
    const double begun = seconds_now();
    load.run_until(options.messages == 0 ? begun + options.seconds : for_good);
    time = seconds_now() - begun;
    used = weir.processor_time() - used_before;
    done = static_cast<double>(load.done() - done_before) / (options.bulk ? double{1U << 30U} : 1);
    load.finish();
  }
  if (done == 0) fail("nothing came through a tunnel in a whole round");
  weir.stop();
  return {used / done, used / time, done / time};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

// The median over the rounds of what a message or GiB cost, as a ratio to what it cost epoll in the same round.
double paired_ratio(const std::vector<Round>& rounds, const std::vector<Round>& of_epoll) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < rounds.size(); ++i) ratios.push_back(rounds[i].cost / of_epoll[i].cost);
  return median(ratios);
}

struct Summary {
  double quietest, median, busy, rate;
};

Summary summarize(const std::vector<Round>& rounds) {
  std::vector<double> costs, shares, rates;
  for (const Round& round : rounds) {
    costs.push_back(round.cost);
    shares.push_back(round.busy);
    rates.push_back(round.rate);
  }
  return {*std::min_element(costs.begin(), costs.end()), median(costs), median(shares), median(rates)};
}

void print(const Options& options, const std::map<std::string, std::vector<Round>>& measured) {
  const double scale = options.bulk ? 1 : 1e6;
  std::printf("%-10s %11s %24s %24s %6s %12s\n", "", "connections",
              options.bulk ? "quietest s/GiB" : "quietest us/message", "median", "busy",
              options.bulk ? "GiB/s" : "messages/s");
  const auto epoll = measured.find("epoll");
  for (const std::string& name : options.backends) {
    const Summary it = summarize(measured.at(name));
    std::printf("%-10s %11zu", name.c_str(), connections_for(options, name));
    if (epoll == measured.end()) {
      std::printf(" %24.3f %24.3f", it.quietest * scale, it.median * scale);
    } else {
      const Summary base = summarize(epoll->second);
      std::printf(" %9.3f (%.3f of epoll) %9.3f (%.3f of epoll)", it.quietest * scale, it.quietest / base.quietest,
                  it.median * scale, paired_ratio(measured.at(name), epoll->second));
    }
    std::printf(" %5.1f%% %12.*f\n", it.busy * 100, options.bulk ? 2 : 0, it.rate);
  }
}

// ---- the process around it ----------------------------------------------------------------------------------------

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  for (std::size_t comma = 0; comma != std::string_view::npos; list.remove_prefix(std::min(comma + 1, list.size()))) {
    comma = list.find(',');
    parts.emplace_back(list.substr(0, comma));
  }
  return parts;
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    const auto value = [&] { return i + 1 < count ? arguments[++i] : ""; };
    const auto number = [&] { return std::strtoul(value(), nullptr, 10); };
    if (word == "--weir") {
      options.weir = value();
    } else if (word == "--backends") {
      options.backends = split(value());
    } else if (word == "--connections") {
      options.connections = number();
    } else if (word == "--rounds") {
      options.rounds = std::max(number(), 1UL);
    } else if (word == "--messages") {
      options.messages = number();
    } else if (word == "--seconds") {
      options.seconds = std::strtod(value(), nullptr);
    } else if (word == "--one-processor") {
      options.one_processor = true;
    } else if (word == "--bulk") {
      options.bulk = true;
    } else {
      fail("unknown option: " + std::string(word));
    }
  }
  if (options.bulk) options.messages = 0;
  if (options.weir.empty()) options.weir = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "weir";
  if (options.backends.empty()) {  // those that this machine has
    for (const BackendInfo& info : compiled_backends()) {
      if (make_backend(info.name)) options.backends.emplace_back(info.name);
    }
  }
  return options;
}

void run(const Options& options) {
  const std::vector<int> processors = two_processors();
  if (!processors.empty()) stay_on(processors[options.one_processor ? 0 : 1]);
  platform::raise_descriptor_limit();
  std::map<std::string, std::vector<Round>> measured;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < options.backends.size(); ++i) {
      const std::string& backend = options.backends[(round + i) % options.backends.size()];
      measured[backend].push_back(measure(options, backend, processors));
    }
  }
  print(options, measured);
}

}  // namespace

int main(int count, char** arguments) {
  try {
    run(parse(count, arguments));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tunnel: %s\n", error.what());
    return 1;
  }
  return 0;
}
