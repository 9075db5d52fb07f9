// Child processes: how they are started, what they inherit, how they end, and that nothing of them is left.

#include <algorithm>
#include <deque>
#include <memory>

#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

// A child with the ends of its pipes. Whatever a test leaves running is killed, awaited and closed.
class Started {
 public:
  explicit Started(Rig& rig) : rig_(rig) {}
  Started(const Started&) = delete;
  Started& operator=(const Started&) = delete;
  ~Started() {
    for (Handle* handle : {&in, &out, &err}) close(*handle);
    if (!child.is_open()) return;
    rig_.backend().kill_tree(child);
    if (!awaited_) wait();
    close(child);
  }

  enum Pipes : unsigned { none = 0, to_stdin = 1, from_stdout = 2, from_stderr = 4, merged = 8 };

  // argv[0] is the test child.
  Error try_start(std::vector<std::string> arguments, unsigned pipes = none) {
    arguments.insert(arguments.begin(), rig_.test_child());
    return try_program(arguments, pipes);
  }
  Error try_program(const std::vector<std::string>& argv, unsigned pipes = none) {
    spec.argv = argv;
    spec.stdin_to = (pipes & to_stdin) != 0 ? &in : nullptr;
    spec.stdout_from = (pipes & from_stdout) != 0 ? &out : nullptr;
    spec.stderr_from = (pipes & from_stderr) != 0 ? &err : nullptr;
    spec.merge_stderr = (pipes & merged) != 0;
    return rig_.backend().spawn(child, spec);
  }
  void start(std::vector<std::string> arguments, unsigned pipes = none) {
    const Error error = try_start(std::move(arguments), pipes);
    INFO(describe(error));
    REQUIRE(error.code == Errc::ok);
    REQUIRE(child.is_open());
    REQUIRE(child.kind == HandleKind::child);
    REQUIRE(child.id != 0);
    for (Handle* handle : {static_cast<Handle*>(&child), &in, &out, &err}) {
      if (!handle->is_open()) continue;
      const Error attached = rig_.backend().attach(*handle);
      REQUIRE(attached.code == Errc::ok);
    }
  }
  ExitStatus wait() {
    ExitStatus status{77, 77};
    Flight op(child, OpKind::wait_child);
    op.child = {&status};
    rig_.run(op);
    REQUIRE(op.code() == Errc::ok);
    awaited_ = true;
    return status;
  }
  void write_all(std::string_view bytes) {
    while (!bytes.empty()) bytes.remove_prefix(write(bytes));
  }
  std::size_t write(std::string_view bytes) {
    const IoSlice slice(bytes);
    Flight op(in, OpKind::write);
    op.slices = {&slice, 1};
    rig_.run(op);
    last_error = op.code();
    return op.bytes;
  }
  std::string read(Handle& from, std::size_t most = 1U << 20) {
    std::string all;
    char memory[4096];
    while (all.size() < most) {
      Flight op(from, OpKind::read);
      op.memory = {memory, std::min(sizeof memory, most - all.size())};
      rig_.run(op);
      REQUIRE(op.code() == Errc::ok);
      if (op.bytes == 0) break;
      all.append(memory, op.bytes);
    }
    return all;
  }
  void close(Handle& handle) {
    if (handle.is_open()) rig_.backend().close(handle);
  }

  ChildProcess child;
  Handle in, out, err;
  SpawnSpec spec;  // what start() does not set
  Errc last_error = Errc::ok;

 private:
  Rig& rig_;
  bool awaited_ = false;
};

bool refused(Rig& rig) {
  return rig.refused_here(Feature::child_processes, [&] {
    ChildProcess child;
    Handle out;
    const std::vector<std::string> argv{rig.test_child(), "exit", "0"};
    SpawnSpec spec;
    spec.argv = argv;
    spec.stdout_from = &out;
    const Error error = rig.backend().spawn(child, spec);
    CHECK_FALSE(child.is_open());
    CHECK_FALSE(out.is_open());
    return error;
  });
}

bool windows(Rig& rig) { return rig.backend().capabilities().platform.os == Os::windows; }

bool was_killed(Rig& rig, ExitStatus status) { return windows(rig) ? !status.success() : status.signal == 9; }

// What the child printed on stdout, run to its end.
std::string output_of(Rig& rig, std::vector<std::string> arguments, const SpawnSpec& with = {}) {
  Started run(rig);
  run.spec = with;
  run.start(std::move(arguments), Started::from_stdout);
  std::string printed = run.read(run.out);
  const ExitStatus status = run.wait();
  CHECK(status.success());
  return printed;
}

}  // namespace

BACKEND_TEST("a child's exit code is told") {
  if (refused(rig)) return;
  for (const std::uint32_t code : {0U, 1U, 7U, 255U}) {
    Started run(rig);
    run.start({"exit", std::to_string(code)});
    const ExitStatus status = run.wait();
    CHECK(status.code == code);
    CHECK(status.signal == 0);
    CHECK(status.success() == (code == 0));
  }
}

BACKEND_TEST("a child that a signal ended is told from one that returned") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"abort"});
  const ExitStatus status = run.wait();
  CHECK_FALSE(status.success());
  if (!windows(rig)) CHECK((status.code == 0 && status.signal == 6));
}

BACKEND_TEST("a child that has ended long before anybody asks is told of at once, as often as asked") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"exit", "3"}, Started::from_stdout);
  CHECK(run.read(run.out).empty());  // it has let go of its end
  rig.settle();
  CHECK(run.wait().code == 3);
  CHECK(run.wait().code == 3);
}

BACKEND_TEST("a wait for a child that goes on can be cancelled, and asked again") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"sleep", "60000"});
  ExitStatus status{55, 55};
  Flight op(run.child, OpKind::wait_child);
  op.child = {&status};
  REQUIRE(rig.submit(op) == Submit::pending);
  CHECK(rig.poll() == 0);
  rig.cancel(op);
  rig.finish(op);
  CHECK(op.code() == Errc::cancelled);
  CHECK(status.code == 55);
  rig.backend().kill_tree(run.child);
  CHECK(was_killed(rig, run.wait()));
}

BACKEND_TEST("an end between a cancelled wait and the next one is not lost") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"cat"}, Started::to_stdin | Started::from_stdout);
  ExitStatus status;
  Flight op(run.child, OpKind::wait_child);
  op.child = {&status};
  REQUIRE(rig.submit(op) == Submit::pending);
  rig.cancel(op);
  rig.finish(op);
  CHECK(op.code() == Errc::cancelled);
  run.close(run.in);
  CHECK(run.read(run.out).empty());
  rig.settle();
  CHECK(run.wait().success());
}

BACKEND_TEST("stdin, stdout and stderr are pipes of their own") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"say", "to the one", "to the other"}, Started::from_stdout | Started::from_stderr);
  CHECK(run.out.kind == HandleKind::pipe);
  CHECK(run.read(run.out) == "to the one");
  CHECK(run.read(run.err) == "to the other");
  CHECK(run.wait().success());

  Started copy(rig);
  copy.start({"cat"}, Started::to_stdin | Started::from_stdout);
  copy.write_all("back ");
  CHECK(copy.read(copy.out, 5) == "back ");
  copy.write_all("and forth");
  copy.close(copy.in);
  CHECK(copy.read(copy.out) == "and forth");
  CHECK(copy.wait().success());
}

BACKEND_TEST("more than a pipe holds comes through whole") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"flood", "1000000"}, Started::from_stdout);
  const std::string got = run.read(run.out, 2'000'000);
  CHECK(got == std::string(1'000'000, 'f'));
  CHECK(run.wait().success());
}

BACKEND_TEST("stderr goes where stdout goes when it is merged") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"say", "one ", "other"}, Started::from_stdout | Started::merged);
  CHECK_FALSE(run.err.is_open());
  CHECK(run.read(run.out) == "one other");
  CHECK(run.wait().success());
}

BACKEND_TEST("a stream that nobody asked for is the null device") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"say", "unheard", "unheard"});
  CHECK(run.wait().success());
  Started copy(rig);  // reads the end at once
  copy.start({"cat"}, Started::from_stdout);
  CHECK(copy.read(copy.out).empty());
  CHECK(copy.wait().success());
  Started quiet(rig);
  quiet.start({"flood", "300000"}, Started::merged);
  CHECK(quiet.wait().success());
}

BACKEND_TEST("writing to a child that has ended is a broken pipe, and no signal") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"exit", "0"}, Started::to_stdin);
  CHECK(run.wait().success());
  while (run.last_error == Errc::ok) run.write("is anybody there?");
  CHECK(run.last_error == Errc::broken_pipe);
}

BACKEND_TEST("a child whose output nobody reads any more ends") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"flood", "100000000"}, Started::from_stdout);
  CHECK(run.read(run.out, 10).size() == 10);
  run.close(run.out);
  CHECK_FALSE(run.wait().success());
}

BACKEND_TEST("arguments arrive as they were given: no shell is asked") {
  if (refused(rig)) return;
  const std::vector<std::string> hard{"two words", "\"quoted\"", "it's", "back\\slash", "trailing\\",
                                      "$HOME",     "*",          "",     "a;b|c&d>e",   "\\\"mixed\\\\\" x",
                                      "%PATH%",    "^caret"};
  std::vector<std::string> arguments{"args"};
  arguments.insert(arguments.end(), hard.begin(), hard.end());
  std::string expected;
  for (const std::string& one : hard) expected += "[" + one + "]\n";
  CHECK(output_of(rig, arguments) == expected);
}

BACKEND_TEST("the environment is this process's with the wanted variables in it") {
  if (refused(rig)) return;
  const std::vector<EnvironmentVariable> wanted{{"WEIR_TEST_ONE", "first"}, {"WEIR_TEST_TWO", "a=b c"}};
  SpawnSpec with;
  with.environment = wanted;
  CHECK(output_of(rig, {"env", "WEIR_TEST_ONE"}, with) == "first");
  CHECK(output_of(rig, {"env", "WEIR_TEST_TWO"}, with) == "a=b c");
  CHECK(output_of(rig, {"env", "WEIR_TEST_ONE"}) == "(unset)");
}

BACKEND_TEST("a program that is not there is not found, and nothing is opened") {
  if (refused(rig)) return;
  for (const char* name : {"./no-such-program", "no-such-program-anywhere"}) {
    Started run(rig);
    const Error error = run.try_program({name}, Started::to_stdin | Started::from_stdout | Started::from_stderr);
    CHECK(error.code == Errc::not_found);
    CHECK_FALSE(run.child.is_open());
    CHECK_FALSE(run.in.is_open());
    CHECK_FALSE(run.out.is_open());
    CHECK_FALSE(run.err.is_open());
  }
}

BACKEND_TEST("killing takes the whole tree") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"grandchild", "60000", "60000"}, Started::from_stdout);
  CHECK(run.read(run.out, 8) == "started\n");
  rig.backend().kill_tree(run.child);
  CHECK(run.read(run.out).empty());  // the other end is closed everywhere
  CHECK(was_killed(rig, run.wait()));
}

BACKEND_TEST("killing reaches what outlived the child, as long as that is not closed") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"grandchild", "60000", "0"}, Started::from_stdout);
  CHECK(run.read(run.out, 8) == "started\n");
  CHECK(run.wait().success());
  rig.backend().kill_tree(run.child);
  CHECK(run.read(run.out).empty());
}

BACKEND_TEST("killing what has ended, or was closed, is harmless") {
  if (refused(rig)) return;
  Started run(rig);
  run.start({"exit", "4"});
  CHECK(run.wait().code == 4);
  rig.backend().kill_tree(run.child);
  CHECK(run.wait().code == 4);
  run.close(run.child);
  CHECK(run.child.id == 0);
  rig.backend().kill_tree(run.child);
}

BACKEND_TEST("a child process object can be used again") {
  if (refused(rig)) return;
  ChildProcess child;
  for (std::uint32_t round = 0; round < 3; ++round) {
    const std::vector<std::string> argv{rig.test_child(), "exit", std::to_string(round)};
    SpawnSpec spec;
    spec.argv = argv;
    const Error error = rig.backend().spawn(child, spec);
    REQUIRE(error.code == Errc::ok);
    const Error attached = rig.backend().attach(child);
    REQUIRE(attached.code == Errc::ok);
    ExitStatus status;
    Flight op(child, OpKind::wait_child);
    op.child = {&status};
    rig.run(op);
    CHECK(status.code == round);
    rig.backend().close(child);
  }
}

BACKEND_TEST("many children at once each tell of their own end") {
  if (refused(rig)) return;
  constexpr std::size_t count = 60;
  struct One {
    ChildProcess child;
    ExitStatus status;
    std::unique_ptr<Flight> op;
  };
  std::deque<One> all(count);
  for (std::size_t i = 0; i < count; ++i) {
    One& one = all[i];
    const std::vector<std::string> argv{rig.test_child(), "exit", std::to_string(i)};
    SpawnSpec spec;
    spec.argv = argv;
    REQUIRE(rig.backend().spawn(one.child, spec).code == Errc::ok);
    REQUIRE(rig.backend().attach(one.child).code == Errc::ok);
    one.op = std::make_unique<Flight>(one.child, OpKind::wait_child);
    one.op->child = {&one.status};
    rig.submit(*one.op);
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!all[i].op->ended()) rig.finish(*all[i].op);
    CHECK(all[i].op->completions == 1);
    CHECK(all[i].status.code == i);
    rig.backend().close(all[i].child);
  }
}

BACKEND_TEST("without a descriptor left a start fails cleanly, and works again later", limited) {
  if (refused(rig)) return;
  Started run(rig);
  rig.leave_descriptors(1);
  const Error error = run.try_start({"exit", "0"}, Started::to_stdin | Started::from_stdout | Started::from_stderr);
  rig.restore_descriptors();
  CHECK(error.code == Errc::descriptor_limit);
  CHECK_FALSE(run.child.is_open());
  CHECK_FALSE(run.in.is_open());
  CHECK_FALSE(run.out.is_open());
  run.start({"exit", "5"});
  CHECK(run.wait().code == 5);
}

BACKEND_TEST("a start that the plan lets fail opens nothing", simulators) {
  if (refused(rig)) return;
  rig.fail_starts(true);
  Started run(rig);
  const Error error = run.try_start({"exit", "0"}, Started::from_stdout);
  CHECK((error.code == Errc::descriptor_limit || error.code == Errc::out_of_memory));
  CHECK_FALSE(run.child.is_open());
  CHECK_FALSE(run.out.is_open());
  rig.fail_starts(false);
  run.start({"exit", "1"});
  CHECK(run.wait().code == 1);
}
