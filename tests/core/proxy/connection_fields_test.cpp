// Connection-bound logins and announced timeouts: every member of every line counts.
#include "core/proxy/connection_fields.hpp"

#include "tests/core/proxy/heads.hpp"

namespace weir::proxy::test {
namespace {

using namespace std::chrono_literals;

bool request_logs_in(const std::string& fields) {
  return logs_in(Request("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n").head());
}

bool answer_offers(const std::string& status, const std::string& fields) {
  return offers_login(Response("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n" + fields + "\r\n").head());
}

Duration announced(const std::string& fields) {
  return announced_timeout(Response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + fields + "\r\n").head());
}

TEST_CASE("A request with credentials of NTLM or Negotiate logs its connection in", "[connection-fields]") {
  for (const char* value : {"NTLM TlRMTVNTUAAB", "ntlm x", "Negotiate YII=", "NEGOTIATE\tYII=", "Negotiate"}) {
    INFO(value);
    CHECK(request_logs_in("Authorization: " + std::string(value) + "\r\n"));
    CHECK(request_logs_in("Authorization: Basic eDp5\r\nAuthorization: " + std::string(value) + "\r\n"));
    CHECK(request_logs_in("authorization: Basic eDp5, " + std::string(value) + "\r\n"));
  }
}

TEST_CASE("Other credentials do not", "[connection-fields]") {
  CHECK_FALSE(request_logs_in(""));
  for (const char* value : {"Basic eDp5", "Bearer NTLM", "NTLMx y", "Digest username=\"Negotiate\"", ""}) {
    INFO(value);
    CHECK_FALSE(request_logs_in("Authorization: " + std::string(value) + "\r\n"));
  }
  CHECK_FALSE(request_logs_in("X-Authorization: NTLM x\r\n"));
}

TEST_CASE("An answer that asks for such a login offers it in any member of any line", "[connection-fields]") {
  for (const char* name : {"WWW-Authenticate", "Proxy-Authenticate"}) {
    for (const char* scheme : {"NTLM", "Negotiate", "negotiate oYG=", "ntlm TlRM"}) {
      const std::string line = std::string(name) + ": " + scheme + "\r\n";
      INFO(line);
      CHECK(answer_offers("401 Unauthorized", line));
      CHECK(answer_offers("407 Proxy Authentication Required", line));
      CHECK(answer_offers("401 Unauthorized", std::string(name) + ": Basic realm=\"a, b\"\r\n" + line));
      CHECK(answer_offers("401 Unauthorized", std::string(name) + ": Basic realm=\"a, b\" ,\t" + scheme + "\r\n"));
      CHECK_FALSE(answer_offers("200 OK", line));
      CHECK_FALSE(answer_offers("403 Forbidden", line));
    }
  }
  CHECK_FALSE(answer_offers("401 Unauthorized", "WWW-Authenticate: Basic realm=\"NTLM\"\r\n"));
  CHECK_FALSE(answer_offers("401 Unauthorized", ""));
}

TEST_CASE("The shortest announced timeout counts, and what cannot be read says nothing", "[connection-fields]") {
  CHECK(announced("") < 0s);
  CHECK(announced("Keep-Alive: max=100\r\n") < 0s);
  CHECK(announced("Keep-Alive: timeout=5\r\n") == 5s);
  CHECK(announced("Keep-Alive: max=100, Timeout=7\r\n") == 7s);
  CHECK(announced("Keep-Alive: max=100\r\nKeep-Alive: timeout=7\r\n") == 7s);
  CHECK(announced("Keep-Alive: timeout=9, timeout=4\r\nKeep-Alive: timeout=6\r\n") == 4s);
  CHECK(announced("Keep-Alive: timeout=0\r\n") == 0s);
  CHECK(announced("Keep-Alive: timeout=999999999\r\n") == 999999999s);
  for (const char* bad : {"timeout=", "timeout=-1", "timeout=5s", "timeout=\"5\"", "timeout= 5", "timeout",
                          "timeout=9999999999", "xtimeout=5", "5"}) {
    INFO(bad);
    CHECK(announced("Keep-Alive: " + std::string(bad) + "\r\n") < 0s);
    CHECK(announced("Keep-Alive: " + std::string(bad) + ", timeout=8\r\n") == 8s);
  }
}

}  // namespace
}  // namespace weir::proxy::test
