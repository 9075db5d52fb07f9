// children [--children N] [--at-once N] [--descriptors N] [--memory MIB] [BACKEND...]: starts and reaps many child
// processes (10,000, 16 at a time) by run_child on one reactor, while a second one in its own thread carries bytes
// between 32 pairs of sockets, each a thousand times a second, and a third one has nothing to do. The process holds so
// many descriptors and so much touched memory beside.
//
// Tells for each reactor the longest turn (between the return of one wait and the start of the next) and how late a
// timer of a millisecond was, and how long the calls of spawn took. What the idle one suffers is the machine's doing.
// Ends with 1 if a zombie or a descriptor is left, or a child did not succeed; times are for people to judge.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/backends/registry.hpp"
#include "core/coro/scope.hpp"
#include "core/platform/descriptors.hpp"
#include "core/reactor/awaitables.hpp"
#include "core/reactor/run_child.hpp"

using namespace weir;
using namespace std::chrono_literals;

namespace {

struct Options {
  std::size_t children = 10'000;
  std::size_t at_once = 16;
  std::size_t descriptors = 0;
  std::size_t memory = 0;  // MiB
  std::vector<std::string> backends;
};

// Times in nanoseconds, told as microseconds.
class Times {
 public:
  void add(Duration time) { all_.push_back(time.count()); }
  void print(const char* what) {
    std::sort(all_.begin(), all_.end());
    std::printf("  %-22s %8zu samples   p50 %7.0f   p99 %7.0f   p99.9 %7.0f   longest %7.0f us\n", what, all_.size(),
                at(0.5), at(0.99), at(0.999), at(1));
  }

 private:
  double at(double share) const {
    if (all_.empty()) return 0;
    const auto index = static_cast<std::size_t>(share * static_cast<double>(all_.size() - 1));
    return static_cast<double>(all_[index]) / 1000;
  }
  std::vector<std::int64_t> all_;
};

// One reactor as it is watched by a coroutine of its own.
struct Watched {
  Times turns, lateness;

  void print(const std::string& name) {
    turns.print((name + ": turn").c_str());
    lateness.print((name + ": timer late").c_str());
  }
};

std::unique_ptr<Backend> backend_named(const std::string& name) {
  auto made = make_backend(name);
  if (!made) {
    std::fprintf(stderr, "%s\n", made.error().c_str());
    std::exit(2);
  }
  return std::move(*made);
}

Task<void> watch(Reactor& reactor, const std::atomic<bool>& stop, Watched& watched) {
  reactor.take_longest_turn();
  while (!stop.load(std::memory_order_relaxed)) {
    const TimePoint deadline = reactor.clock() + 1ms;
    co_await SleepUntil(reactor, deadline);
    watched.lateness.add(reactor.clock() - deadline);
    watched.turns.add(reactor.take_longest_turn());
  }
}

// --- the proxy-like load ---

Task<void> bounce(Reactor& reactor, Handle& handle, bool first, const std::atomic<bool>& stop) {
  std::vector<char> memory(4096, 'b');
  bool speak = first;
  for (;;) {
    if (speak) {
      const IoSlice slice(memory.data(), memory.size());
      const auto sent = co_await Send(reactor, handle, &slice, 1);
      if (!sent) break;
    }
    if (stop.load(std::memory_order_relaxed)) break;
    const auto got = co_await Recv(reactor, handle, memory.data(), memory.size());
    if (!got || *got == 0) break;
    speak = true;
    if (!first) continue;
    const TimePoint next = reactor.clock() + 1ms;
    co_await SleepUntil(reactor, next);
  }
  reactor.backend().shutdown(handle, Direction::both);
}

struct Pair {
  Handle ends[2];
};

Task<void> load(Reactor& reactor, const std::atomic<bool>& stop, Watched& watched) {
  std::array<Pair, 32> pairs;
  Scope scope;
  for (Pair& pair : pairs) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    for (int side = 0; side < 2; ++side) {
      OpenSpec spec;
      spec.what = OpenSpec::What::adopt;
      spec.native = ends[side];
      if (reactor.backend().open(pair.ends[side], spec)) std::abort();
      if (reactor.backend().attach(pair.ends[side])) std::abort();
      scope.spawn(bounce(reactor, pair.ends[side], side == 0, stop));
    }
  }
  scope.spawn(watch(reactor, stop, watched));
  auto joined = scope.join();
  co_await joined;
  for (Pair& pair : pairs) {
    for (Handle& end : pair.ends) reactor.backend().close(end);
  }
}

// --- the children ---

struct Work {
  std::size_t left;
  std::size_t failed = 0;
};

Task<void> run_some(Reactor& reactor, Work& work) {
  RunSpec spec;
  spec.argv = {"true"};
  spec.timeout = 60s;
  while (work.left > 0) {
    --work.left;
    const RunResult result = co_await run_child(reactor, spec);
    if (!result.succeeded()) ++work.failed;
  }
}

// What a start alone costs the thread that asks for it.
Task<void> time_spawns(Reactor& reactor, Times& times) {
  const std::vector<std::string> argv{"true"};
  for (int i = 0; i < 1000; ++i) {
    ChildProcess child;
    ExitStatus status;
    SpawnSpec spec;
    spec.argv = argv;
    const TimePoint before = reactor.clock();
    if (reactor.backend().spawn(child, spec)) std::abort();
    times.add(reactor.clock() - before);
    if (reactor.backend().attach(child)) std::abort();
    const auto ended = co_await WaitChild(reactor, child, status);
    if (!ended) std::abort();
    reactor.backend().close(child);
  }
}

Task<void> run_all(Reactor& reactor, std::size_t at_once, Work& work, std::atomic<bool>& stop, Watched& watched) {
  Scope watching;
  watching.spawn(watch(reactor, stop, watched));
  Scope running;
  for (std::size_t i = 0; i < at_once; ++i) running.spawn(run_some(reactor, work));
  auto all_ran = running.join();
  co_await all_ran;
  stop = true;
  auto all_watched = watching.join();
  co_await all_watched;
}

bool no_child_left() {
  int status = 0;
  return ::waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD;
}

bool measure(const std::string& name, const Options& options) {
  Work work{options.children};
  Watched spawner, busy, idle;
  Times spawns;
  backend_named(name);  // what a library opens at its first use stays: libkqueue's descriptors
  const std::size_t descriptors_before = platform::open_descriptors();
  const auto begun = std::chrono::steady_clock::now();
  {
    std::atomic<bool> stop{false};
    std::thread busy_thread([&] {
      Reactor reactor(backend_named(name));
      reactor.run(load(reactor, stop, busy));
    });
    std::thread idle_thread([&] {
      Reactor reactor(backend_named(name));
      reactor.run(watch(reactor, stop, idle));
    });
    Reactor reactor(backend_named(name));
    reactor.run(run_all(reactor, options.at_once, work, stop, spawner));
    busy_thread.join();
    idle_thread.join();
    reactor.run(time_spawns(reactor, spawns));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  const bool clean = no_child_left() && platform::open_descriptors() == descriptors_before;
  std::printf("%s: %zu children, %zu at a time, in %.1f s: %zu failed, %s\n", name.c_str(), options.children,
              options.at_once, took.count(), work.failed, clean ? "nothing left" : "SOMETHING IS LEFT");
  spawner.print("children's reactor");
  busy.print("busy reactor");
  idle.print("idle reactor");
  spawns.print("spawn, one at a time");
  return clean && work.failed == 0;
}

// --- the process around it ---

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    const auto number = [&] { return i + 1 < count ? std::strtoul(arguments[++i], nullptr, 10) : 0; };
    if (word == "--children") {
      options.children = number();
    } else if (word == "--at-once") {
      options.at_once = number();
    } else if (word == "--descriptors") {
      options.descriptors = number();
    } else if (word == "--memory") {
      options.memory = number();
    } else {
      options.backends.emplace_back(word);
    }
  }
  if (options.backends.empty()) {
    for (const BackendInfo& info : compiled_backends()) options.backends.emplace_back(info.name);
  }
  return options;
}

}  // namespace

int main(int count, char** arguments) {
  const Options options = parse(count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  platform::raise_descriptor_limit();
  // Files of their own, as connections are; high numbers, so that select has the low ones.
  for (std::size_t i = 0; i < options.descriptors; ++i) {
    const int ballast = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (::fcntl(ballast, F_DUPFD_CLOEXEC, 1100 + static_cast<int>(i)) < 0) return std::perror("descriptors"), 2;
    ::close(ballast);
  }
  const std::vector<char> memory(options.memory << 20U, 'm');
  bool good = true;
  for (const std::string& name : options.backends) good = measure(name, options) && good;
  return good ? 0 : 1;
}
