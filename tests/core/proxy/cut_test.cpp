// The table from why something ended early to how the log calls it, what the client is answered, and whether the request
// may be tried again.
#include "core/proxy/cut.hpp"

#include <set>

#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

struct Row {
  Cut cut;
  Ending ending;
  std::uint16_t status;
  Retry retry;
};

constexpr Row rows[] = {
    {Cut::none, Ending::ok, 0, Retry::never},
    {Cut::client_gone, Ending::client_closed, 0, Retry::never},
    {Cut::client_timeout, Ending::client_timeout, 408, Retry::never},
    {Cut::head_timeout, Ending::head_timeout, 408, Retry::never},
    {Cut::bad_body, Ending::bad_request, 400, Retry::never},
    {Cut::body_too_large, Ending::body_too_large, 413, Retry::never},
    {Cut::total_timeout, Ending::total_timeout, 504, Retry::never},
    {Cut::stopped, Ending::stopped, 0, Retry::never},
    {Cut::no_endpoint, Ending::no_endpoint, 503, Retry::elsewhere},
    {Cut::all_down, Ending::all_down, 503, Retry::never},
    {Cut::connect_refused, Ending::connect_refused, 502, Retry::elsewhere},
    {Cut::connect_timeout, Ending::connect_timeout, 504, Retry::elsewhere},
    {Cut::overloaded, Ending::overloaded, 503, Retry::elsewhere},
    {Cut::upstream_closed, Ending::upstream_closed, 502, Retry::if_unanswered},
    {Cut::upstream_reset, Ending::upstream_reset, 502, Retry::if_unanswered},
    {Cut::upstream_timeout, Ending::upstream_timeout, 504, Retry::never},
    {Cut::bad_response, Ending::bad_response, 502, Retry::never},
};
constexpr std::size_t cuts = static_cast<std::size_t>(Cut::bad_response) + 1;

}  // namespace

TEST_CASE("every cut has its ending, its status and its answer to whether it may be tried again", "[cut]") {
  REQUIRE(std::size(rows) == cuts);
  for (std::size_t i = 0; i < cuts; ++i) {
    INFO("cut " << i);
    REQUIRE(static_cast<std::size_t>(rows[i].cut) == i);
    const CutFacts& facts = facts_of(rows[i].cut);
    CHECK(facts.ending == rows[i].ending);
    CHECK(facts.status == rows[i].status);
    CHECK(facts.retry == rows[i].retry);
  }
}

TEST_CASE("each cut is told from every other in the log", "[cut]") {
  std::set<std::string_view> words;
  for (const Row& row : rows) {
    const std::string_view word = word_of(facts_of(row.cut).ending);
    CHECK(word != "unknown");
    CHECK(words.insert(word).second);
  }
}

TEST_CASE("only what one attempt met is tried again, and only a client that may be there is answered", "[cut]") {
  for (const Row& row : rows) {
    const CutFacts& facts = facts_of(row.cut);
    INFO(word_of(facts.ending));
    const bool of_exchange = row.cut < Cut::no_endpoint;
    if (of_exchange) CHECK(facts.retry == Retry::never);
    const bool nobody_to_answer = row.cut == Cut::none || row.cut == Cut::client_gone || row.cut == Cut::stopped;
    CHECK((facts.status == 0) == nobody_to_answer);
    const bool fault_of_client = facts.status >= 400 && facts.status < 500;
    const bool blames_client = row.cut >= Cut::client_timeout && row.cut <= Cut::body_too_large;
    CHECK(fault_of_client == blames_client);
  }
}

TEST_CASE("what weir itself lacks is never taken for a peer's doing", "[cut]") {
  for (const Errc code : {Errc::descriptor_limit, Errc::not_supported, Errc::out_of_memory, Errc::bad_argument, Errc::limit_exceeded}) {
    CHECK(cut_of_upstream(code) == Cut::overloaded);
    CHECK(cut_of_connect(code) == Cut::overloaded);
    CHECK(cut_of_client(code) == Cut::overloaded);
  }
}

TEST_CASE("whatever a connect ends with by its endpoint's doing, another one may take the request", "[cut]") {
  for (const Errc code : {Errc::connection_refused, Errc::connection_reset, Errc::timed_out, Errc::host_unreachable,
                          Errc::network_unreachable, Errc::permission_denied, Errc::not_found}) {
    CHECK(cut_of_connect(code) == Cut::connect_refused);
    CHECK(facts_of(cut_of_connect(code)).retry == Retry::elsewhere);
  }
}

TEST_CASE("a reset by an upstream is told from a close; of a client both mean that it is gone", "[cut]") {
  for (const Errc code : {Errc::connection_reset, Errc::connection_aborted, Errc::broken_pipe}) {
    CHECK(cut_of_upstream(code) == Cut::upstream_reset);
    CHECK(cut_of_client(code) == Cut::client_gone);
  }
  for (const Errc code : {Errc::timed_out, Errc::cancelled, Errc::host_unreachable}) {
    CHECK(cut_of_upstream(code) == Cut::upstream_closed);
    CHECK(cut_of_client(code) == Cut::client_gone);
  }
}

}  // namespace weir::proxy::test
