#include "windows-service/definition.hpp"

#include "tests/support/catch.hpp"
#include "windows-service/event_log.hpp"
#include "windows-service/failure.hpp"

using namespace weir::windows_service;

TEST_CASE("a service runs under its virtual account unless another one is asked for") {
  CHECK(account_name("", "weir") == R"(NT SERVICE\weir)");
  CHECK(account_name(R"(nt service\WEIR)", "weir") == R"(nt service\WEIR)");
  CHECK(account_name("LocalService", "weir") == R"(NT AUTHORITY\LocalService)");
  CHECK(account_name("localservice", "weir") == R"(NT AUTHORITY\LocalService)");
  CHECK(account_name(R"(NT AUTHORITY\NetworkService)", "weir") == R"(NT AUTHORITY\NetworkService)");
  CHECK(account_name("LocalSystem", "weir") == "LocalSystem");
  CHECK(account_name(R"(EXAMPLE\proxies$)", "weir") == R"(EXAMPLE\proxies$)");
}

TEST_CASE("an account that needs a password, or is another service's, is refused with the remedy") {
  for (const char* account : {R"(EXAMPLE\bob)", "bob", "bob$"}) {
    INFO(account);
    const auto refused = account_name(account, "weir");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().find("needs a password") != std::string::npos);
    CHECK(refused.error().find("services.msc") != std::string::npos);
  }
  const auto other = account_name(R"(NT SERVICE\other)", "weir");
  REQUIRE_FALSE(other);
  CHECK(other.error().find(R"(NT SERVICE\weir)") != std::string::npos);
}

TEST_CASE("a name that Windows would refuse is refused with the reason") {
  CHECK(wrong_name("weir").empty());
  CHECK(wrong_name("weir (shop)").empty());
  CHECK(wrong_name(std::string(256, 'x')).empty());
  CHECK(wrong_name("").find("empty") != std::string::npos);
  CHECK(wrong_name(std::string(257, 'x')).find("256") != std::string::npos);
  for (const char* name : {"a/b", R"(a\b)", "a\nb"})
    CHECK(wrong_name(name).find("must not contain") != std::string::npos);
}

TEST_CASE("a refusal of Windows says what to do") {
  using Kind = Failure::Kind;
  const auto failure = [](std::uint32_t code) { return failure_from(code, "start the service weir", "The text"); };
  CHECK(failure(5).kind == Kind::not_administrator);
  CHECK(failure(5).sentence.find("Run as administrator") != std::string::npos);
  CHECK(failure(1073).kind == Kind::exists);
  CHECK(failure(1060).kind == Kind::missing);
  CHECK(failure(1060).sentence.find("weir service install") != std::string::npos);
  CHECK(failure(1072).kind == Kind::marked_for_deletion);
  CHECK(failure(1072).sentence.find("services.msc") != std::string::npos);
  CHECK(failure(1056).kind == Kind::running);
  CHECK(failure(1062).kind == Kind::not_running);
  CHECK(failure(1069).kind == Kind::account_refused);
  CHECK(failure(2).kind == Kind::program_missing);
  CHECK(failure(1234).kind == Kind::other);
  CHECK(failure(1234).sentence == "cannot start the service weir: The text (error 1234)");
  CHECK(failure(1234).code == 1234);
}

TEST_CASE("an event's number has its severity, by which viewers show it") {
  CHECK(message_id(Event::started) == 0x4000'0001);
  CHECK(message_id(Event::stopped) == 0x4000'0002);
  CHECK(message_id(Event::reloaded) == 0x4000'0003);
  CHECK(message_id(Event::reload_refused) == 0xC000'0004);
  CHECK(message_id(Event::configuration_refused) == 0xC000'0005);
  CHECK(message_id(Event::failed_start) == 0xC000'0006);
  CHECK(message_id(Event::worker_failed) == 0xC000'0007);
  CHECK(message_id(Event::info) == 0x4000'000A);
  CHECK(message_id(Event::warning) == 0x8000'000B);
  CHECK(message_id(Event::error) == 0xC000'000C);
}

TEST_CASE("a text in an event stays text") {
  CHECK(event_text("weir.yaml:3:7: no such key") == "weir.yaml:3:7: no such key");
  CHECK(event_text("[fe80::1%12]:80, 100%") == "[fe80::1% 12]:80, 100%");
  CHECK(event_text("%%1") == "%% 1");
  CHECK(event_text(std::string_view("a\0b", 3)) == "ab");
  CHECK(event_text("").empty());
}

TEST_CASE("a text that is too long for an event is cut between two characters, and says so") {
  std::string text(30'999, 'x');
  CHECK(event_text(text) == text);
  text += "\xC3\xA4more";  // the last character that fits
  CHECK(event_text(text) == std::string(30'999, 'x') + "\xC3\xA4\n[...]");
}
