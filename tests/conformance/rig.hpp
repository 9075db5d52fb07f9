#pragma once
// Rig: one backend under test with what a test needs around it: an address to listen on, pipes and devices to adopt, a
// way to run short of descriptors. The tests speak to the backend through its interface only. One thread.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "core/reactor/backend.hpp"
#include "tests/support/catch.hpp"

namespace weir::conformance {

// An op as a test owns it. It counts its completions; only a reactor may call `complete`.
struct Flight : Op {
  explicit Flight(Handle& on, OpKind what) noexcept {
    handle = &on;
    kind = what;
    complete = [](Op& op) noexcept { static_cast<Flight&>(op).called = true; };
  }
  int completions = 0;
  bool called = false;

  bool ended() const noexcept { return completions > 0; }
  Errc code() const noexcept { return error.code; }
};

struct Natives {
  NativeHandle first, second;
};

class Rig {
 public:
  virtual ~Rig();

  // --- what differs between a system and the simulator ---
  virtual bool simulated() const noexcept = 0;
  virtual Address any_port() = 0;                          // to listen on
  virtual Address address_of(const Handle& listener) = 0;  // where it then is
  virtual Natives make_pipe() = 0;                         // read end, write end
  virtual Natives make_sockets() = 0;                      // connected to each other
  virtual Natives make_char_device() = 0;                  // the device, and its other end if it has one
  virtual Natives make_foreign() = 0;                      // to be watched, and what makes it readable
  virtual void poke(Handle& other) = 0;                    // sends a byte from the other end of a foreign one
  virtual NativeHandle make_regular_file() = 0;
  virtual std::string test_child() = 0;  // a program that does as tests/support/child.cpp says
  virtual void discard(NativeHandle native) = 0;
  virtual void narrow(Handle& stream) = 0;                // its direction out holds little from now on
  virtual void leave_descriptors(std::size_t count) = 0;  // no more than so many can be opened (`limited`)
  virtual void restore_descriptors() = 0;
  virtual void fail_starts(bool always) = 0;  // of children; the simulator's only

  Backend& backend() noexcept { return *backend_; }
  std::unique_ptr<Backend> release_backend() noexcept {
    return std::move(owned_);
  }  // for a Reactor; it still works here
  std::string_view name() const noexcept { return name_; }

  // --- running ops ---
  Submit submit(Flight& op);  // a result that is in at once counts as its completion
  void cancel(Flight& op);
  std::size_t wait(TimePoint deadline);  // one wait; returns how many ops it completed
  std::size_t poll() { return wait(backend().now()); }
  void finish(Flight& op);  // waits until it has ended; fails the test after a long time
  void run(Flight& op) {
    if (submit(op) == Submit::pending) finish(op);
  }
  // Lets everything that is under way arrive: returns what completed in the meantime.
  std::size_t settle();
  TimePoint far_ahead() { return backend().now() + std::chrono::seconds{30}; }

  // --- running streams ---
  void adopt(Handle& handle, NativeHandle native);
  void listen(Handle& listener, std::uint16_t backlog = 1024);
  void open_stream(Handle& stream);
  void connect(Handle& listener, Handle& client, Handle& server);  // opened, attached, connected to each other
  void connect(Handle& client, Handle& server);                    // over a listener of their own
  std::size_t send_all(Handle& to, std::string_view bytes);        // how many went before an error
  std::string receive(Handle& from, std::size_t size);             // exactly so many, fewer at the end of the stream
  std::string receive_all(Handle& from);                           // up to the end of the stream
  Errc fill(Handle& to);                                           // sends until it would block

  // True when the rules forbid it here; the test then has checked the refusal and is over.
  bool refused_here(Feature feature, const std::function<Error()>& try_it);

 protected:
  Rig(std::string_view name, std::unique_ptr<Backend> backend) noexcept
      : name_(name), owned_(std::move(backend)), backend_(owned_.get()) {}
  void drop_backend() noexcept { owned_.reset(); }

 private:
  std::string name_;
  std::unique_ptr<Backend> owned_;
  Backend* backend_;
};

std::unique_ptr<Rig> make_rig(std::string_view name);
std::unique_ptr<Rig> make_system_rig(std::string_view name);  // by the system that this was compiled for

// Closes at the end of a test. What is still in flight is cancelled and waited for first.
class Closing {
 public:
  Closing(Rig& rig, std::initializer_list<Handle*> handles) : rig_(rig), handles_(handles) {}
  void add(Handle& handle) { handles_.push_back(&handle); }
  ~Closing();

 private:
  Rig& rig_;
  std::vector<Handle*> handles_;
};

// True if the function ends in an abort, in a process of its own.
bool aborts(const std::function<void()>& function);

// True if the function returns, with every REQUIRE in it met, in a process of its own.
bool succeeds_alone(const std::function<void()>& function);

// True in a process that one of these two started for it by running the program once more: its argument is the name of a
// test, to be run alone. Where there is fork, never.
bool started_for_one_test() noexcept;

void run_on(const char* backend, void (*test)(Rig&));

// Where a test runs: names for make_rig. What only a real system has (signals, threads that interrupt a sleep in real
// time) is for `systems`, what only the simulator has (seeds) for `simulators`.
#ifdef _WIN32
inline constexpr std::array systems{"iocp", "select"};
inline constexpr std::array<const char*, 0> limited_systems{};  // no limit of descriptors that a test could come near
#else
inline constexpr std::array systems{
#ifdef __linux__
    "epoll", "epoll-fallbacks", "io_uring", "io_uring-fallbacks",
#endif
#ifdef WEIR_KQUEUE
    "kqueue", "kqueue-fallbacks",
#endif
    "poll", "select"};
inline constexpr std::array limited_systems = systems;
#endif
inline constexpr std::array simulators{"sim", "sim-io_uring", "sim-macos-10.8", "sim-windows", "sim-windows-select"};
inline constexpr std::array once{"sim"};  // for a test that makes its own worlds

template <std::size_t first, std::size_t second>
constexpr auto both(const std::array<const char*, first>& a, const std::array<const char*, second>& b) {
  std::array<const char*, first + second> out{};
  std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), out.begin()));
  return out;
}
inline constexpr auto everywhere = both(systems, simulators);
inline constexpr auto limited = both(limited_systems, simulators);  // for what runs short of descriptors

// One test, on each backend of a list. They are known to Catch2 only after register_tests(): the program that carries
// the suite for its selftest must not pay for it when it does something else.
class Case {
 public:
  using Run = void (*)();
  Case(const char* sentence, std::span<const char* const> backends, std::span<const Run> runs) noexcept;

 private:
  friend void register_tests();
  const char* sentence_;
  std::span<const char* const> backends_;
  std::span<const Run> runs_;  // one a backend
  const Case* next_;
};

// Catch2 calls functions without arguments: one for each backend of the list.
template <const auto& backends, void (*test)(Rig&), std::size_t at>
void run_one() {
  run_on(backends[at], test);
}
template <const auto& backends, void (*test)(Rig&)>
inline constexpr auto runs_of = []<std::size_t... at>(std::index_sequence<at...>) {
  return std::array<Case::Run, sizeof...(at)>{run_one<backends, test, at>...};
}(std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<decltype(backends)>>>{});

void register_tests();  // once, before Catch2 runs

}  // namespace weir::conformance

#define WEIR_JOIN_(a, b) a##b
#define WEIR_JOIN(a, b) WEIR_JOIN_(a, b)
#define WEIR_FIRST(first, ...) first
#define WEIR_BACKEND_TEST(sentence, where, body)                                                            \
  [[maybe_unused]] static void body([[maybe_unused]] ::weir::conformance::Rig& rig);                        \
  static const ::weir::conformance::Case WEIR_JOIN(body, _case)(sentence, where,                            \
                                                                ::weir::conformance::runs_of<where, body>); \
  static void body([[maybe_unused]] ::weir::conformance::Rig& rig)

// BACKEND_TEST(sentence) or BACKEND_TEST(sentence, where): one case for each backend of a list, by default for every
// one: "sentence - epoll" with the tag [epoll], and so on, so that a backend can be run alone. The body gets the Rig as
// `rig`.
#define BACKEND_TEST(sentence, ...)                                                                    \
  WEIR_BACKEND_TEST(sentence, WEIR_FIRST(__VA_ARGS__ __VA_OPT__(, )::weir::conformance::everywhere, ), \
                    WEIR_JOIN(conformance_, __LINE__))
