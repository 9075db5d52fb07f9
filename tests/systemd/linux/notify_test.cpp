// The protocol of sd_notify(3) on a real datagram socket.

#include "systemd/notify.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "core/platform/clock.hpp"
#include "tests/support/catch.hpp"
#include "tests/systemd/linux/manager.hpp"

using namespace weir;
using namespace weir::systemd;
using namespace std::chrono_literals;
using weir::test::Manager;
using Fields = std::map<std::string, std::string>;

namespace {

Environment notify_at(std::string address) {
  Environment environment;
  environment.notify_socket = std::move(address);
  return environment;
}

bool same_file(int one, int other) {
  struct stat a{};
  struct stat b{};
  return ::fstat(one, &a) == 0 && ::fstat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// As poll(2) sees a descriptor now.
short events_of(int descriptor) {
  pollfd entry{descriptor, POLLIN, 0};
  ::poll(&entry, 1, 0);
  return entry.revents;
}

}  // namespace

TEST_CASE("every notice arrives as the protocol has it") {
  const auto address = GENERATE(Manager::Address::path, Manager::Address::abstract);
  Manager manager(address);
  Notifier notifier(notify_at(manager.address()));
  REQUIRE(notifier.present());

  CHECK_FALSE(notifier.ready());
  CHECK(manager.next().fields == Fields{{"READY", "1"}});
  CHECK_FALSE(notifier.stopping());
  CHECK(manager.next().fields == Fields{{"STOPPING", "1"}});
  CHECK_FALSE(notifier.alive());
  CHECK(manager.next().fields == Fields{{"WATCHDOG", "1"}});
  CHECK_FALSE(notifier.status("2 listeners"));
  CHECK(manager.next().fields == Fields{{"STATUS", "2 listeners"}});
  CHECK_FALSE(notifier.extend(1500ms));
  CHECK(manager.next().fields == Fields{{"EXTEND_TIMEOUT_USEC", "1500000"}});
  CHECK_FALSE(notifier.extend(-1s));
  CHECK(manager.next().fields == Fields{{"EXTEND_TIMEOUT_USEC", "0"}});
  CHECK_FALSE(notifier.main_process(4711));
  const test::Notice last = manager.next();
  CHECK(last.fields == Fields{{"MAINPID", "4711"}});
  CHECK(last.sender == ::getpid());
  CHECK_FALSE(manager.has_message());
}

TEST_CASE("a reload carries the monotonic time in microseconds") {
  Manager manager(Manager::Address::path);
  Notifier notifier(notify_at(manager.address()));
  const std::int64_t before = platform::monotonic_now().ns / 1000;
  CHECK_FALSE(notifier.reloading());
  const std::int64_t after = platform::monotonic_now().ns / 1000;
  Fields fields = manager.next().fields;
  CHECK(fields.size() == 2);
  CHECK(fields["RELOADING"] == "1");
  const std::int64_t said = std::stoll(fields["MONOTONIC_USEC"]);
  CHECK(said >= before);
  CHECK(said <= after);
}

TEST_CASE("a status with a line feed is one field") {
  Manager manager(Manager::Address::path);
  Notifier notifier(notify_at(manager.address()));
  CHECK_FALSE(notifier.status("weir.yaml:3:1: error\nMAINPID=1\nSTOPPING=1"));
  CHECK(manager.next().fields == Fields{{"STATUS", "weir.yaml:3:1: error\\x0aMAINPID=1\\x0aSTOPPING=1"}});
}

TEST_CASE("a stored descriptor arrives with its name and is the same open file") {
  Manager manager(Manager::Address::path);
  Notifier notifier(notify_at(manager.address()));
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  CHECK_FALSE(notifier.store(ends[1], "weir-listen/web/0"));
  const test::Notice notice = manager.next();
  CHECK(notice.fields == Fields{{"FDSTORE", "1"}, {"FDNAME", "weir-listen/web/0"}});
  REQUIRE(notice.descriptors.size() == 1);
  CHECK(same_file(notice.descriptors.front(), ends[1]));
  CHECK(::write(notice.descriptors.front(), "x", 1) == 1);
  CHECK(events_of(ends[0]) == POLLIN);
  ::close(ends[0]);
  ::close(ends[1]);

  CHECK_FALSE(notifier.forget("weir-listen/web/0"));
  CHECK(manager.next().fields == Fields{{"FDSTOREREMOVE", "1"}, {"FDNAME", "weir-listen/web/0"}});
}

TEST_CASE("a name that systemd would refuse is not sent") {
  Manager manager(Manager::Address::path);
  Notifier notifier(notify_at(manager.address()));
  CHECK(notifier.store(0, "a\nSTOPPING=1").code == Errc::bad_argument);
  CHECK(notifier.store(0, "a:b").code == Errc::bad_argument);
  CHECK(notifier.forget("").code == Errc::bad_argument);
  CHECK_FALSE(manager.has_message());
  CHECK(notifier.store(-2, "web").code == Errc::bad_descriptor);
  CHECK_FALSE(manager.has_message());
}

TEST_CASE("a barrier ends when the manager has handled it") {
  Manager manager(Manager::Address::path);
  Notifier notifier(notify_at(manager.address()));
  const Result<int> reading = notifier.barrier();
  REQUIRE(reading.has_value());
  CHECK(events_of(*reading) == 0);
  test::Notice notice = manager.next();
  CHECK(notice.fields == Fields{{"BARRIER", "1"}});
  REQUIRE(notice.descriptors.size() == 1);
  CHECK(events_of(*reading) == 0);
  // The manager's copy is the last one; the standard stream takes its number.
  ::dup2(0, notice.descriptors.front());
  CHECK((events_of(*reading) & POLLHUP) != 0);
  ::close(*reading);
}

TEST_CASE("a manager that does not read is not waited for") {
  Manager manager(Manager::Address::path);
  Notifier notifier(notify_at(manager.address()));
  Error error;
  int sent = 0;
  while (!error && sent < 100'000) {
    error = notifier.status(std::string(900, 's'));
    sent += error ? 0 : 1;
  }
  CHECK(error.code == Errc::would_block);
  CHECK(sent > 0);
  CHECK(notifier.barrier().error().code == Errc::would_block);
  // What was sent is there in full, and once the manager has read it goes on.
  for (int i = 0; i < sent; ++i) CHECK(manager.next().fields["STATUS"].size() == 900);
  CHECK_FALSE(notifier.ready());
  CHECK(manager.next().fields == Fields{{"READY", "1"}});
}

TEST_CASE("a manager that has replaced its socket is found again") {
  const auto address = GENERATE(Manager::Address::path, Manager::Address::abstract);
  Manager manager(address);
  Notifier notifier(notify_at(manager.address()));
  CHECK_FALSE(notifier.ready());
  manager.next();
  manager.replace_socket();
  CHECK_FALSE(notifier.alive());
  CHECK(manager.next().fields == Fields{{"WATCHDOG", "1"}});
}

TEST_CASE("a manager that is gone is an error each time, and found when it comes back") {
  std::string address;
  {
    const Manager gone(Manager::Address::abstract);
    address = gone.address();
  }
  Notifier notifier(notify_at(address));
  CHECK(notifier.present());
  CHECK(notifier.ready().code == Errc::connection_refused);
  CHECK(notifier.ready().code == Errc::connection_refused);
  Notifier nowhere(notify_at("/nonexistent/notify"));
  CHECK(nowhere.ready().code == Errc::not_found);
}

TEST_CASE("an invalid address is an error, not a crash") {
  for (const std::string& address : {std::string("relative"), std::string("/"), std::string("@"),
                                     "/" + std::string(200, 'a'), std::string("vsock:2:1234")}) {
    CAPTURE(address);
    Notifier notifier(notify_at(address));
    CHECK(notifier.ready().code == Errc::bad_argument);
  }
}

TEST_CASE("without a manager every notice succeeds and does nothing") {
  Notifier notifier{Environment{}};
  CHECK_FALSE(notifier.present());
  CHECK_FALSE(notifier.ready());
  CHECK_FALSE(notifier.reloading());
  CHECK_FALSE(notifier.store(0, "web"));
  const Result<int> reading = notifier.barrier();
  REQUIRE(reading.has_value());
  CHECK((events_of(*reading) & POLLHUP) != 0);
  ::close(*reading);
}
