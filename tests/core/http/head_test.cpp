// Names of fields.

#include "core/http/head.hpp"

#include <string>
#include <utility>

#include "tests/support/catch.hpp"

namespace weir::http::test {
namespace {

const std::pair<std::string_view, FieldId> names[] = {
    {"Accept", FieldId::accept},
    {"Authorization", FieldId::authorization},
    {"Connection", FieldId::connection},
    {"Content-Length", FieldId::content_length},
    {"Content-Type", FieldId::content_type},
    {"Date", FieldId::date},
    {"Expect", FieldId::expect},
    {"Forwarded", FieldId::forwarded},
    {"Host", FieldId::host},
    {"Keep-Alive", FieldId::keep_alive},
    {"Location", FieldId::location},
    {"Proxy-Authenticate", FieldId::proxy_authenticate},
    {"Proxy-Authorization", FieldId::proxy_authorization},
    {"Proxy-Connection", FieldId::proxy_connection},
    {"Referer", FieldId::referer},
    {"Server", FieldId::server},
    {"TE", FieldId::te},
    {"Trailer", FieldId::trailer},
    {"Transfer-Encoding", FieldId::transfer_encoding},
    {"Upgrade", FieldId::upgrade},
    {"User-Agent", FieldId::user_agent},
    {"Via", FieldId::via},
    {"WWW-Authenticate", FieldId::www_authenticate},
    {"X-Forwarded-For", FieldId::x_forwarded_for},
    {"X-Forwarded-Host", FieldId::x_forwarded_host},
    {"X-Forwarded-Proto", FieldId::x_forwarded_proto},
    {"X-Real-IP", FieldId::x_real_ip},
    {"X-Request-ID", FieldId::x_request_id},
};

TEST_CASE("every id has its name, in any case, and nothing close to it") {
  CHECK(std::size(names) == static_cast<std::size_t>(FieldId::x_request_id));
  for (const auto& [name, id] : names) {
    CAPTURE(name);
    CHECK(field_id(name) == id);
    std::string text(name);
    for (char& c : text) c = static_cast<char>(std::toupper(c));
    CHECK(field_id(text) == id);
    for (char& c : text) c = static_cast<char>(std::tolower(c));
    CHECK(field_id(text) == id);
    for (std::size_t i = 0; i < text.size(); ++i) {
      for (const unsigned flipped : {1u, 0x20u, 0x40u, 0x80u}) {
        std::string other = text;
        other[i] = static_cast<char>(static_cast<unsigned char>(other[i]) ^ flipped);
        CAPTURE(other);
        const bool same = equal_ignoring_case(other, text);
        CHECK(same == (flipped == 0x20 && std::isalpha(static_cast<unsigned char>(text[i])) != 0));
        if (same)
          CHECK(field_id(other) == id);
        else
          CHECK(field_id(other) != id);
      }
    }
    CHECK(field_id(text + "x") == FieldId::other);
    CHECK(field_id("x" + text) == FieldId::other);
    CHECK(field_id(name.substr(1)) != id);
  }
  CHECK(field_id("") == FieldId::other);
  CHECK(field_id(std::string(300, 'x')) == FieldId::other);
}

TEST_CASE("case is ignored for letters only") {
  CHECK(equal_ignoring_case("", ""));
  CHECK(equal_ignoring_case("aZ-9", "Az-9"));
  CHECK_FALSE(equal_ignoring_case("a", "ab"));
  CHECK_FALSE(equal_ignoring_case("[", "{"));
  CHECK_FALSE(equal_ignoring_case("@", "`"));
  CHECK_FALSE(equal_ignoring_case("\r", "-"));
}

}  // namespace
}  // namespace weir::http::test
