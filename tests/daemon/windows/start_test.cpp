// What a start opens on Windows: one listening socket for all workers, and a log file that can be moved while it is open.
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "core/base/path.hpp"
#include "core/platform/program.hpp"
#include "core/platform/signal_source.hpp"
#include "core/platform/sockets.hpp"
#include "daemon/listening.hpp"
#include "tests/daemon/listening_support.hpp"
#include "daemon/log_file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sockets.hpp"
#include "tests/support/wine_gaps.hpp"

using namespace weir;
using namespace weir::daemon;

namespace {

proxy::ListenerSpec listener_on(const std::string& text) {
  proxy::ListenerSpec listener;
  listener.name = "web";
  listener.bind_texts = {text};
  listener.bind = {*parse_address(listener.bind_texts[0])};  // a name views into the text
  return listener;
}

// A pipe of this process's own.
std::string pipe_text(std::string_view name) {
  return std::string(pipe_prefix) + "weir-start-" + std::to_string(platform::process_id()) + "-" + std::string(name);
}

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("the first worker listens for all") {
  proxy::Spec spec;
  spec.listeners.push_back(listener_on("127.0.0.1:0"));
  ListeningSockets sockets;
  REQUIRE(sockets.open(test::held(spec), 3).empty());
  CHECK(sockets.bound().at(0).address.port != 0);
  const auto taken = sockets.take(0, *test::compiled(spec));
  REQUIRE(taken.size() == 1);
  CHECK(test::listens(taken[0].native));
  CHECK(sockets.take(1, *test::compiled(spec)).empty());
  CHECK(sockets.take(2, *test::compiled(spec)).empty());
  test::close_socket(taken[0].native);
}

TEST_CASE("each worker has an instance of a named pipe") {
  proxy::Spec spec;
  spec.listeners.push_back(listener_on(pipe_text("each")));
  ListeningSockets sockets;
  REQUIRE(sockets.open(test::held(spec), 3).empty());
  CHECK(sockets.bound().size() == 1);
  for (std::uint32_t worker = 0; worker < 3; ++worker) {
    const auto taken = sockets.take(worker, *test::compiled(spec));
    REQUIRE(taken.size() == 1);
    Handle instance;
    OpenSpec adopt;
    adopt.what = OpenSpec::What::adopt;
    adopt.native = taken[0].native;
    REQUIRE(platform::open(instance, adopt).code == Errc::ok);
    CHECK(instance.kind == HandleKind::pipe_listener);
    platform::close(instance);
  }
}

TEST_CASE("a named pipe that somebody has is refused") {
  if (wine_gap("first-pipe-instance")) return;
  proxy::Spec spec;
  spec.listeners.push_back(listener_on(pipe_text("taken")));
  ListeningSockets first, second;
  REQUIRE(first.open(test::held(spec), 2).empty());
  const auto failures = second.open(test::held(spec), 2);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].find("another process has that pipe") != std::string::npos);
}

TEST_CASE("an address that somebody listens on is refused") {
  proxy::Spec spec;
  spec.listeners.push_back(listener_on("127.0.0.1:0"));
  ListeningSockets first;
  REQUIRE(first.open(test::held(spec), 1).empty());
  spec.listeners[0] = listener_on(to_string(first.bound()[0].address));
  ListeningSockets second;
  const auto failures = second.open(test::held(spec), 1);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].find("the address is in use") != std::string::npos);
}

TEST_CASE("a unix socket is refused with its rule") {
  proxy::Spec spec;
  spec.listeners.push_back(listener_on("unix:C:/weir.sock"));
  ListeningSockets sockets;
  const auto failures = sockets.open(test::held(spec), 1);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].find("unix sockets can be neither listened on nor connected to") != std::string::npos);
}

TEST_CASE("a log file can be renamed while it is written, and reopened") {
  std::random_device random;
  const auto folder = std::filesystem::temp_directory_path() / path_of("weir-größe-" + std::to_string(random()));
  std::filesystem::create_directories(folder);
  const auto path = folder / "access.log";
  {
    LogFile file(text_of(path));
    REQUIRE(file.open());
    file.write("first\n");
    std::filesystem::rename(path, folder / "access.log.1");
    file.write("second\n");
    REQUIRE(file.reopen());
    file.write("third\n");
  }
  CHECK(content(folder / "access.log.1") == "first\nsecond\n");
  CHECK(content(path) == "third\n");
  LogFile nowhere(text_of(folder / "none" / "access.log"));
  CHECK_FALSE(nowhere.open());
  CHECK(nowhere.problem().find("No such file") != std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a process that listens for nobody cannot be asked") {
  CHECK(platform::send_signal(0x7ffffffc, platform::Signal::terminate).code == Errc::not_found);
}
