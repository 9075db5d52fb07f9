// A service in small that uses all of systemd/: what tests start as systemd would, and what a real systemd is tried
// with (tests/integration/systemd). Its first argument says what to do:
//
//   list                 the descriptors that were passed, one a line
//   environment          the variables that were taken, and those that are left
//   serve PORT           answers every connection on 127.0.0.1:PORT with its process number. The socket is the one
//                        named "web" or stored before, else one of its own, which it stores. HUP reloads, USR1 makes it
//                        forget the watchdog, TERM stops.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "systemd/environment.hpp"
#include "systemd/journal.hpp"
#include "systemd/listen_fds.hpp"
#include "systemd/notify.hpp"
#include "systemd/store_name.hpp"
#include "systemd/watchdog.hpp"

extern char** environ;

namespace {

using namespace weir;
using namespace weir::systemd;

int list(const Environment& environment) {
  const auto passed = take_passed_descriptors(environment);
  if (!passed) {
    std::printf("%s\n", passed.error().c_str());
    return 1;
  }
  for (const PassedDescriptor& each : *passed) {
    const bool listens = each.kind == PassedDescriptor::Kind::listening_stream;
    const bool is_private = (::fcntl(each.descriptor, F_GETFD) & FD_CLOEXEC) != 0;
    std::printf("%d %s %s %s %s\n", each.descriptor, each.name.c_str(), listens ? "listening" : "other",
                weir::to_string(each.address()).c_str(), is_private ? "private" : "inherited");
  }
  return 0;
}

int show_environment(const Environment& environment) {
  std::printf("taken NOTIFY_SOCKET=%s WATCHDOG_USEC=%s WATCHDOG_PID=%s LISTEN_FDS=%s JOURNAL_STREAM=%s\n",
              environment.notify_socket.c_str(), environment.watchdog_usec.c_str(), environment.watchdog_pid.c_str(),
              environment.listen_fds.c_str(), environment.journal_stream.c_str());
  for (char** each = environ; *each != nullptr; ++each) std::printf("left %s\n", *each);
  return 0;
}

int wake_end = -1;
void note(int number) {
  const auto byte = static_cast<char>(number);
  static_cast<void>(!::write(wake_end, &byte, 1));
}

class Service {
 public:
  Service(const Environment& environment, int port) : environment_(environment), notifier_(environment), port_(port) {}

  int run() {
    if (!find_socket()) return 1;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return 1;
    wake_end = ends[1];
    for (const int number : {SIGHUP, SIGTERM, SIGUSR1}) ::signal(number, note);
    say(Level::info, "serving " + origin_);
    notifier_.status("serving " + origin_);
    notifier_.ready();
    while (!stopping_) turn(ends[0]);
    notifier_.stopping();
    finish_notices();
    return 0;
  }

 private:
  void say(Level level, const std::string& text) {
    std::string line;
    const LogRecord record{level, {}, text};
    (stderr_leads_to_journal(environment_) ? append_journal_line : append_line)(record, line);
    static_cast<void>(!::write(2, line.data(), line.size()));
  }

  bool find_socket() {
    const auto passed = take_passed_descriptors(environment_);
    if (!passed) {
      say(Level::error, passed.error());
      return false;
    }
    for (const PassedDescriptor& each : *passed) {
      const auto stored = parse_store_name(each.name);
      if (each.kind != PassedDescriptor::Kind::listening_stream || (each.name != "web" && !stored)) continue;
      socket_ = each.descriptor;
      origin_ = stored ? "from the store" : "by activation";
      return true;
    }
    origin_ = "on a socket of its own";
    return open_socket();
  }

  bool open_socket() {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    where.sin_port = htons(static_cast<std::uint16_t>(port_));
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 || ::listen(socket_, 64) != 0) {
      say(Level::error, std::string("cannot listen: ") + std::strerror(errno));
      return false;
    }
    if (const Error error = notifier_.store(socket_, to_string(StoreName{"web", 0}).value())) {
      say(Level::warn, "cannot store the socket: " + describe(error));
    }
    return true;
  }

  void turn(int signals) {
    const auto interval = watchdog_interval(environment_);
    const int timeout = interval ? static_cast<int>(*interval / std::chrono::milliseconds{2}) : -1;
    pollfd entries[] = {{signals, POLLIN, 0}, {socket_, POLLIN, 0}};
    ::poll(entries, 2, timeout);
    if (interval && !stuck_) notifier_.alive();
    if ((entries[0].revents & POLLIN) != 0) on_signal(signals);
    if ((entries[1].revents & POLLIN) != 0) answer();
  }

  void on_signal(int signals) {
    char number = 0;
    if (::read(signals, &number, 1) != 1) return;
    if (number == SIGTERM) stopping_ = true;
    if (number == SIGUSR1) stuck_ = true;
    if (number != SIGHUP) return;
    notifier_.reloading();
    say(Level::warn, "reloaded");
    notifier_.status("reloaded");
    notifier_.ready();
  }

  void answer() {
    const int client = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const std::string body = std::to_string(::getpid()) + " " + origin_ + "\n";
    const std::string text = "HTTP/1.0 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    char request[4096];
    static_cast<void>(!::read(client, request, sizeof request));
    static_cast<void>(!::write(client, text.data(), text.size()));
    ::close(client);
  }

  // systemd has read all notices before the process is gone.
  void finish_notices() {
    const Result<int> reading = notifier_.barrier();
    if (!reading) return;
    pollfd entry{*reading, POLLIN, 0};
    ::poll(&entry, 1, 5000);
    ::close(*reading);
  }

  const Environment& environment_;
  Notifier notifier_;
  int port_;
  int socket_ = -1;
  std::string origin_;
  bool stuck_ = false;
  bool stopping_ = false;
};

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "";
  const Environment environment = take_environment();
  if (what == "list") return list(environment);
  if (what == "environment") return show_environment(environment);
  if (what == "serve" && count > 2) return Service(environment, std::atoi(arguments[2])).run();
  std::fprintf(stderr, "usage: weir_systemd_probe list | environment | serve PORT\n");
  return 2;
}
