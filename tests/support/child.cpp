// A program for tests of child processes: its first argument says what to do. Portable, so that the same tests run
// where children are made differently. test_child.hpp says where it is.
//
//   exit N | linger MS N | abort | sleep MS | say OUT ERR | cat | flood BYTES | args ... | env NAME | cwd
//   descriptors          the open ones, and the signals that are blocked or ignored (POSIX)
//   grandchild MS LEADER starts one that sleeps for MS, says so, and then sleeps for LEADER ms itself
//   escaping MS LEADER   likewise; on POSIX the started one leaves the process group

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/support/test_child.hpp"
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#include <process.h>
#else
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>
extern char** environ;
#endif

namespace {

void sleep_for(const char* milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds{std::strtol(milliseconds, nullptr, 10)});
}

// As the bytes come, which the streams of the standard library do not offer.
void copy_input() {
  char bytes[4096];
  for (;;) {
#ifdef _WIN32
    const int count = _read(0, bytes, sizeof bytes);
#else
    const ssize_t count = ::read(0, bytes, sizeof bytes);
#endif
    if (count <= 0) return;
    std::fwrite(bytes, 1, static_cast<std::size_t>(count), stdout);
    std::fflush(stdout);
  }
}

void flood(long bytes) {
  const std::string block(1000, 'f');
  while (bytes > 0) {
    const auto part = static_cast<std::size_t>(bytes < 1000 ? bytes : 1000);
    if (std::fwrite(block.data(), 1, part, stdout) < part) std::exit(9);
    bytes -= static_cast<long>(part);
  }
}

#ifdef _WIN32
void make_streams_binary() {
  _setmode(0, _O_BINARY);
  _setmode(1, _O_BINARY);
  _setmode(2, _O_BINARY);
}
void start(char* self, char* milliseconds, bool) {
  const char* const argv[] = {self, "sleep", milliseconds, nullptr};
  if (_spawnv(_P_NOWAIT, self, argv) == -1) std::exit(8);
}
void list_descriptors() {}
#else
void make_streams_binary() {}
void start(char* self, char* milliseconds, bool in_group) {
  char what[] = "sleep";
  char* const argv[] = {self, what, milliseconds, nullptr};
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  if (!in_group) ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t id = 0;
  if (::posix_spawn(&id, self, nullptr, &attributes, argv, environ) != 0) std::exit(8);
  ::posix_spawnattr_destroy(&attributes);
}
void list_descriptors() {
  for (int descriptor = 0; descriptor < 4096; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0) std::printf("descriptor %d\n", descriptor);
  }
  sigset_t blocked;
  ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction entry{};
    if (::sigaction(number, nullptr, &entry) != 0) continue;
    if (sigismember(&blocked, number) == 1) std::printf("blocked %d\n", number);
    if (entry.sa_handler == SIG_IGN) std::printf("ignored %d\n", number);
  }
}
#endif

}  // namespace

namespace weir {

int test_child_main(int count, char** argv) {
  make_streams_binary();
  const std::string what = count > 1 ? argv[1] : "";
  const auto argument = [&](int index) { return index < count ? argv[index] : const_cast<char*>(""); };
  if (what == "exit") return static_cast<int>(std::strtol(argument(2), nullptr, 10));
  if (what == "linger") {  // after its streams are closed
    std::fclose(stdout);
    std::fclose(stderr);
    sleep_for(argument(2));
    return static_cast<int>(std::strtol(argument(3), nullptr, 10));
  }
  if (what == "abort") std::abort();
  if (what == "sleep") {
    sleep_for(argument(2));
  } else if (what == "say") {
    std::fputs(argument(2), stdout);
    std::fflush(stdout);
    std::fputs(argument(3), stderr);
  } else if (what == "cat") {
    copy_input();
  } else if (what == "flood") {
    flood(std::strtol(argument(2), nullptr, 10));
  } else if (what == "args") {
    for (int i = 2; i < count; ++i) std::printf("[%s]\n", argv[i]);
  } else if (what == "env") {
    const char* const value = std::getenv(argument(2));
    std::fputs(value == nullptr ? "(unset)" : value, stdout);
  } else if (what == "cwd") {
    std::fputs(std::filesystem::current_path().string().c_str(), stdout);
  } else if (what == "descriptors") {
    list_descriptors();
  } else if (what == "grandchild" || what == "escaping") {
    start(argv[0], argument(2), what == "grandchild");
    std::fputs("started\n", stdout);
    std::fflush(stdout);
    sleep_for(argument(3));
  } else {
    std::fprintf(stderr, "no such thing: %s\n", what.c_str());
    return 99;
  }
  return 0;
}

}  // namespace weir
