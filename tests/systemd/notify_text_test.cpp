#include "systemd/notify.hpp"
#include "tests/support/catch.hpp"

using namespace weir::systemd;

TEST_CASE("a status is sent as it is") {
  CHECK(status_line("2 listeners, 17 connections") == "2 listeners, 17 connections");
  CHECK(status_line("gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80") == "gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(status_line("").empty());
}

TEST_CASE("no text of a status can forge a field") {
  CHECK(status_line("reload failed\nMAINPID=1") == "reload failed\\x0aMAINPID=1");
  CHECK(status_line(std::string_view("a\0b\r\t\x1b\x7f", 7)) == "a\\x00b\\x0d\\x09\\x1b\\x7f");
}

TEST_CASE("what is not UTF-8, for which systemd refuses a status, is sent in hexadecimal") {
  CHECK(status_line("\xff") == "\\xff");
  CHECK(status_line("a\xc3") == "a\\xc3");
  CHECK(status_line("\xc0\xaf") == "\\xc0\\xaf");                    // longer than necessary
  CHECK(status_line("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");           // likewise
  CHECK(status_line("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(status_line("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // behind the last code point
  CHECK(status_line("\xef\xbf\xbf") == "\\xef\\xbf\\xbf");           // no character
  CHECK(status_line("\xe2\x82z") == "\\xe2\\x82z");
}

TEST_CASE("a long status is cut between two characters") {
  const std::string longest(most_of_status, 'a');
  CHECK(status_line(longest) == longest);
  CHECK(status_line(longest + "a") == std::string(most_of_status - 3, 'a') + "...");
  std::string euros;
  for (int i = 0; i < 400; ++i) euros += "\xe2\x82\xac";
  const std::string cut = status_line(euros);
  CHECK(cut.size() <= most_of_status);
  CHECK(cut.size() % 3 == 0);
  CHECK(cut.ends_with("\xe2\x82\xac..."));
}

TEST_CASE("the name of a descriptor obeys systemd's rule") {
  CHECK(is_descriptor_name("web"));
  CHECK(is_descriptor_name(std::string(255, 'a')));
  CHECK_FALSE(is_descriptor_name(std::string(256, 'a')));
  CHECK_FALSE(is_descriptor_name(""));
  CHECK_FALSE(is_descriptor_name("a:b"));
  CHECK_FALSE(is_descriptor_name("a\nFDSTOREREMOVE=1"));
  CHECK_FALSE(is_descriptor_name("gr\xc3\xbcn"));
}
