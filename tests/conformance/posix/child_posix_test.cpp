// Child processes as POSIX systems have them: signals, descriptors, process groups, zombies.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/platform/descriptors.hpp"
#include "core/platform/signal_source.hpp"
#include "tests/conformance/runner.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

struct Outcome {
  Error error;
  ExitStatus status;
  std::string output;
};

// Runs a program to its end, with stdout and stderr read.
Outcome run_program(Rig& rig, const std::vector<std::string>& argv, SpawnSpec spec = {}) {
  Outcome outcome;
  ChildProcess child;
  Handle out;
  spec.argv = argv;
  spec.stdout_from = &out;
  spec.merge_stderr = true;
  outcome.error = rig.backend().spawn(child, spec);
  if (outcome.error) return outcome;
  REQUIRE(rig.backend().attach(child).code == Errc::ok);
  REQUIRE(rig.backend().attach(out).code == Errc::ok);
  char memory[4096];
  for (;;) {
    Flight op(out, OpKind::read);
    op.memory = {memory, sizeof memory};
    rig.run(op);
    REQUIRE(op.code() == Errc::ok);
    if (op.bytes == 0) break;
    outcome.output.append(memory, op.bytes);
  }
  Flight waiting(child, OpKind::wait_child);
  waiting.child = {&outcome.status};
  rig.run(waiting);
  REQUIRE(waiting.code() == Errc::ok);
  rig.backend().close(out);
  rig.backend().close(child);
  return outcome;
}

bool no_child_left() {
  int status = 0;
  return ::waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD;
}

// A directory of its own with a script in it, gone at the end.
struct ScriptFolder {
  ScriptFolder() {
    char name[] = "/tmp/weir-child-test-XXXXXX";
    path = ::mkdtemp(name);
  }
  ScriptFolder(const ScriptFolder&) = delete;
  ScriptFolder& operator=(const ScriptFolder&) = delete;
  ~ScriptFolder() { std::filesystem::remove_all(path); }

  std::string write(const std::string& name, const std::string& text, mode_t mode) const {
    const std::string file = path + "/" + name;
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
    return file;
  }
  std::string path;
};

}  // namespace

BACKEND_TEST("a child has its three streams, no blocked signal and no ignored one", systems) {
  const int plain = ::open("/dev/null", O_RDONLY);  // as a careless library leaves them open
  REQUIRE(plain >= 0);
  const int high = ::fcntl(plain, F_DUPFD, 200);
  sigset_t some, before;
  sigemptyset(&some);
  sigaddset(&some, SIGTERM);
  sigaddset(&some, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &some, &before);
  const Outcome outcome = run_program(rig, {rig.test_child(), "descriptors"});
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(plain);
  ::close(high);
  REQUIRE(outcome.error.code == Errc::ok);
  CHECK(outcome.output == "descriptor 0\ndescriptor 1\ndescriptor 2\n");
}

BACKEND_TEST("children started by two threads at once inherit nothing of each other", systems) {
  const auto many = [](Rig& of_its_own, std::string& wrong) {
    Runner runner(of_its_own);
    for (int i = 0; i < 40; ++i) {
      const RunResult result = runner.run(runner.spec({"descriptors"}));
      if (result.output != "descriptor 0\ndescriptor 1\ndescriptor 2\n") wrong = "\"" + result.output + "\"";
    }
  };
  std::string wrong_here, wrong_there;
  const std::unique_ptr<Rig> other = make_rig(rig.name());
  std::thread thread([&] { many(*other, wrong_there); });
  many(rig, wrong_here);
  thread.join();
  CHECK(wrong_here.empty());
  CHECK(wrong_there.empty());
}

BACKEND_TEST("ends of children are told to the reactor that waits, in whatever thread it is", systems) {
  constexpr int threads = 4;
  std::atomic<int> right{0};
  std::vector<std::unique_ptr<Rig>> rigs;
  for (int i = 0; i < threads; ++i) rigs.push_back(make_rig(rig.name()));
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      Runner runner(*rigs[static_cast<std::size_t>(i)]);
      for (int round = 0; round < 25; ++round) {
        const auto code = static_cast<std::uint32_t>(i * 25 + round);
        const RunResult result = runner.run(runner.spec({"exit", std::to_string(code)}));
        if (result.end == RunEnd::exited && !result.error && result.status.code == code) ++right;
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  CHECK(right == threads * 25);
  CHECK(no_child_left());
}

BACKEND_TEST("a process without standard streams of its own can start children all the same", systems) {
  const bool worked = succeeds_alone([&] {
    ::close(0);
    ::close(1);
    const std::unique_ptr<Rig> fresh = make_rig(rig.name());
    const Outcome outcome = run_program(*fresh, {rig.test_child(), "say", "out", "err"});
    REQUIRE(outcome.output == "outerr");
  });
  CHECK(worked);
}

BACKEND_TEST("a process that was told to ignore the ends of its children learns of them all the same", systems) {
  const bool worked = succeeds_alone([&] {
    std::signal(SIGCHLD, SIG_IGN);
    const std::unique_ptr<Rig> fresh = make_rig(rig.name());
    const Outcome outcome = run_program(*fresh, {rig.test_child(), "linger", "300", "6"});
    REQUIRE(outcome.status.code == 6);
  });
  CHECK(worked);
}

BACKEND_TEST("signals of the process and ends of children come through beside each other", systems) {
  platform::SignalSource source;
  REQUIRE_FALSE(source.open());
  Handle requests;
  Closing closing(rig, {&requests});
  rig.adopt(requests, source.take_descriptor());
  // The signals are blocked on this thread until it is told to take them, and not on the child's.
  CHECK(run_program(rig, {rig.test_child(), "descriptors"}).output == "descriptor 0\ndescriptor 1\ndescriptor 2\n");
  source.deliver_here();
  for (int round = 0; round < 10; ++round) {
    ::raise(SIGUSR1);
    CHECK(run_program(rig, {rig.test_child(), "exit", std::to_string(round)}).status.code ==
          static_cast<std::uint32_t>(round));
    char told[8];
    Flight op(requests, OpKind::read);
    op.memory = {told, sizeof told};
    rig.run(op);
    REQUIRE(op.bytes == 1);
    CHECK(told[0] == static_cast<char>(platform::Signal::reopen_logs));
  }
}

BACKEND_TEST("no zombie and no descriptor is left behind", systems) {
  run_program(rig, {rig.test_child(), "exit", "0"});  // what is made once has been made
  const std::size_t before = platform::open_descriptors();
  for (int i = 0; i < 30; ++i) {
    const Outcome good = run_program(rig, {rig.test_child(), "say", "a", "b"});
    CHECK(good.output == "ab");
    const Outcome missing = run_program(rig, {"/no/such/program"});
    CHECK(missing.error.code == Errc::not_found);
  }
  CHECK(platform::open_descriptors() == before);
  CHECK(no_child_left());
}

BACKEND_TEST("a child that could not be waited for is ended by its close", systems) {
  ChildProcess child;
  const std::vector<std::string> argv{rig.test_child(), "sleep", "60000"};
  SpawnSpec spec;
  spec.argv = argv;
  REQUIRE(rig.backend().spawn(child, spec).code == Errc::ok);
  rig.backend().close(child);
  CHECK(no_child_left());
}

BACKEND_TEST("the child of another's library is left to it", systems) {
  const pid_t foreign = ::fork();
  if (foreign == 0) ::_exit(12);
  const Outcome ours = run_program(rig, {rig.test_child(), "exit", "0"});
  CHECK(ours.status.success());
  int status = 0;
  REQUIRE(::waitpid(foreign, &status, 0) == foreign);
  CHECK(WEXITSTATUS(status) == 12);
}

BACKEND_TEST("an end of a child does not end a wait for something else", systems) {
  ChildProcess child;
  const std::vector<std::string> argv{rig.test_child(), "exit", "0"};
  SpawnSpec spec;
  spec.argv = argv;
  REQUIRE(rig.backend().spawn(child, spec).code == Errc::ok);
  REQUIRE(rig.backend().attach(child).code == Errc::ok);
  const TimePoint deadline = rig.backend().now() + std::chrono::milliseconds{150};
  CHECK(rig.wait(deadline) == 0);  // the child has not been asked for
  CHECK(rig.backend().now() >= deadline);
  ExitStatus status{9, 9};
  Flight op(child, OpKind::wait_child);
  op.child = {&status};
  rig.run(op);
  CHECK(status.success());
  rig.backend().close(child);
}

BACKEND_TEST("a program without a path is sought in the child's PATH", systems) {
  const ScriptFolder folder;
  folder.write("weir-sought", "#!/bin/sh\necho found $1\n", 0700);
  const std::vector<EnvironmentVariable> environment{{"PATH", "relative:/nowhere:" + folder.path + ":/bin"}};
  SpawnSpec with;
  with.environment = environment;
  CHECK(run_program(rig, {"weir-sought", "it"}, with).output == "found it\n");
  CHECK(run_program(rig, {"weir-sought"}).error.code == Errc::not_found);
}

BACKEND_TEST("what is no program is refused, and not handed to a shell", systems) {
  const ScriptFolder folder;
  const std::string locked = folder.write("locked", "#!/bin/sh\nexit 0\n", 0600);
  const std::string plain_text = folder.write("text", "exit 0\n", 0700);
  CHECK(run_program(rig, {locked}).error.code == Errc::permission_denied);
  CHECK(run_program(rig, {plain_text}).error.code == Errc::permission_denied);
  CHECK(run_program(rig, {folder.path}).error.code == Errc::permission_denied);
  const std::vector<EnvironmentVariable> environment{{"PATH", folder.path}};
  SpawnSpec with;
  with.environment = environment;
  CHECK(run_program(rig, {"text"}, with).error.code == Errc::permission_denied);
  if (::geteuid() != 0) CHECK(run_program(rig, {"locked"}, with).error.code == Errc::permission_denied);
}

BACKEND_TEST("a child runs in the directory that was asked for, and finds relative programs there", systems) {
  const ScriptFolder folder;
  folder.write("here", "#!/bin/sh\npwd -P\n", 0700);
  const std::string real = std::filesystem::canonical(folder.path).string();
  SpawnSpec with;
  with.working_directory = folder.path;
  CHECK(run_program(rig, {rig.test_child(), "cwd"}, with).output == real);
  CHECK(run_program(rig, {"./here"}, with).output == real + "\n");
  CHECK(run_program(rig, {rig.test_child(), "cwd"}).output == std::filesystem::current_path().string());
  with.working_directory = folder.path + "/missing";
  CHECK(run_program(rig, {rig.test_child(), "cwd"}, with).error.code == Errc::not_found);
}
