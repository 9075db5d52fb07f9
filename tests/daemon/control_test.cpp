// The control socket without a socket: verbs, requests and their answers, the choice among several, what people are shown.
#include "daemon/control/api.hpp"
#include "daemon/control/client.hpp"
#include "daemon/control/place.hpp"
#include "daemon/control/verbs.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/coroutines.hpp"

using namespace weir;
using namespace weir::daemon;

namespace {

// Notes what it is asked for.
class Recorder final : public Controlled {
 public:
  std::vector<Request> asked;
  std::vector<RequestOptions> options;
  Verdict verdict{true, {"done", "at length"}, 0, {}};

  Task<Verdict> perform(Request request, RequestOptions said) override {
    asked.push_back(request);
    options.push_back(said);
    test::Yield later;
    co_await later;
    co_return verdict;
  }
  Status status() override {
    Status status;
    status.version = "1.2.3";
    status.process = 7;
    status.state = Status::State::serving;
    status.since = {1'764'375'022'000'000'000};
    status.config = "/etc/weir.yaml";
    status.listeners.push_back({"web", {"127.0.0.1:80", "[::1]:80"}});
    status.workers = 2;
    status.backend = "epoll";
    status.connections = 3;
    status.max_connections = 10;
    status.counters.requests += 12;
    return status;
  }
};

struct Answer {
  std::uint16_t status = 0;
  JsonValue json;
  std::string allow;
};

Task<void> ask_into(Controlled& controlled, std::string method, std::string path, std::string body, Answer& out) {
  auto answering = answer_control(controlled, method, path, body);
  const proxy::HandlerAnswer answer = co_await answering;
  out.status = answer.status;
  CHECK(answer.content_type == "application/json");
  const auto json = parse_json(answer.body);
  REQUIRE(json);
  out.json = *json;
  for (const auto& field : answer.fields) out.allow = field.value;
}

Answer ask(Controlled& controlled, const std::string& method, const std::string& path, const std::string& body = {}) {
  Answer answer;
  test::Bench bench;
  bench.run(ask_into(controlled, method, path, body, answer));
  CHECK(answer.json.truth_of("ok") == (answer.status < 400));
  if (answer.status >= 400) CHECK_FALSE(answer.json.text_of("error").empty());
  return answer;
}

Found found(std::uint32_t process, std::string config) {
  Found one;
  one.candidate.process = process;
  one.candidate.address = "unix:/run/weir/" + std::to_string(process) + ".sock";
  one.config = std::move(config);
  return one;
}

}  // namespace

TEST_CASE("every request has a verb, and every verb a route that performs it") {
  constexpr Request all[] = {Request::stop,   Request::stop_now,    Request::drain,
                             Request::reload, Request::reopen_logs, Request::upgrade};
  REQUIRE(verbs().size() == std::size(all));
  static_assert(static_cast<std::size_t>(Request::upgrade) + 1 == std::size(all));
  for (const Request request : all) {
    const Verb& verb = verb_of(request);
    INFO(verb.command);
    CHECK(verb.request == request);
    Recorder recorder;
    const Answer answer = ask(recorder, "POST", std::string(verb.path), std::string(verb.body));
    CHECK((answer.status == 200 || answer.status == 202));
    CHECK(recorder.asked == std::vector<Request>{request});
    CHECK(answer.json.text_of("message") == "done");
    CHECK(answer.json.find("details")->items.at(0).text == "at length");
  }
}

TEST_CASE("what has only begun is answered with 202, what is done with 200, what failed with 409 and its exit code") {
  Recorder recorder;
  CHECK(ask(recorder, "POST", "/v1/stop").status == 202);
  CHECK(ask(recorder, "POST", "/v1/drain").status == 202);
  CHECK(ask(recorder, "POST", "/v1/reload").status == 200);
  recorder.verdict = {false, {"weir.yaml:3:1: wrong", "line 2"}, 78, {}};
  const Answer failed = ask(recorder, "POST", "/v1/reload");
  CHECK(failed.status == 409);
  CHECK(failed.json.text_of("error") == "weir.yaml:3:1: wrong");
  CHECK(failed.json.find("details")->items.at(0).text == "line 2");
  CHECK(failed.json.number_of("exit_code") == 78);
}

TEST_CASE("a stop may be asked for at once; other bodies are refused and do nothing") {
  Recorder recorder;
  ask(recorder, "POST", "/v1/stop", R"({"now": true})");
  ask(recorder, "POST", "/v1/stop", R"({"now": false})");
  ask(recorder, "POST", "/v1/stop", " {} ");
  ask(recorder, "POST", "/v1/reload", "{}");
  CHECK(recorder.asked == std::vector<Request>{Request::stop_now, Request::stop, Request::stop, Request::reload});
  for (const char* body : {"now", "[]", R"({"now": 1})", R"({"nwo": true})", R"({"now": true)"}) {
    CHECK(ask(recorder, "POST", "/v1/stop", body).status == 400);
  }
  CHECK(ask(recorder, "POST", "/v1/drain", R"({"now": true})").status == 400);
  CHECK(recorder.asked.size() == 4);
}

TEST_CASE("a reload may be planned only, and bounded in what it cuts") {
  Recorder recorder;
  recorder.verdict.plan = R"({"cut":2})";
  const Answer answer = ask(recorder, "POST", "/v1/reload", R"({"plan": true, "max_cut": 7})");
  CHECK(answer.status == 200);
  CHECK(answer.json.find("plan")->number_of("cut") == 2);
  ask(recorder, "POST", "/v1/reload", R"({"max_cut": 0})");
  ask(recorder, "POST", "/v1/reload");
  REQUIRE(recorder.options.size() == 3);
  CHECK(recorder.options[0].reload.plan_only);
  CHECK(recorder.options[0].reload.max_cut == 7u);
  CHECK_FALSE(recorder.options[1].reload.plan_only);
  CHECK(recorder.options[1].reload.max_cut == 0u);
  CHECK_FALSE(recorder.options[2].reload.max_cut.has_value());
  for (const char* body : {R"({"plan": 1})", R"({"max_cut": -1})", R"({"max_cut": 1.5})", R"({"max_cut": 4294967296})",
                           R"({"max_cut": "1"})", R"({"now": true})"})
    CHECK(ask(recorder, "POST", "/v1/reload", body).status == 400);
  CHECK(recorder.asked.size() == 3);
}

TEST_CASE("other paths and methods are answered in JSON, too") {
  Recorder recorder;
  for (const char* path : {"/", "/v1", "/v1/", "/v1/stopp", "/v2/status", "/v1/status/x"}) {
    const Answer answer = ask(recorder, "GET", path);
    CHECK(answer.status == 404);
    CHECK(answer.json.find("details")->items.size() == verbs().size());  // status, and one for both kinds of stop
  }
  CHECK(ask(recorder, "POST", "/v1/status").allow == "GET, HEAD");
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE"}) {
    const Answer answer = ask(recorder, method, "/v1/stop");
    CHECK(answer.status == 405);
    CHECK(answer.allow == "POST");
  }
  CHECK(recorder.asked.empty());
}

TEST_CASE("the status is told whole, and shown as a table") {
  Recorder recorder;
  const Answer answer = ask(recorder, "GET", "/v1/status");
  CHECK(answer.status == 200);
  CHECK(answer.json.text_of("version") == "1.2.3");
  CHECK(answer.json.number_of("pid") == 7);
  CHECK(answer.json.text_of("state") == "serving");
  CHECK(answer.json.text_of("since") == "2025-11-29T00:10:22Z");
  CHECK(answer.json.find("counters")->number_of("requests") == 12);
  CHECK(answer.json.find("last_reload")->kind == JsonValue::Kind::null);
  CHECK(status_table(answer.json) ==
        "weir 1.2.3, pid 7, serving, started 2025-11-29T00:10:22Z\n"
        "configuration /etc/weir.yaml\n"
        "listener      web: 127.0.0.1:80, [::1]:80\n"
        "workers       2, epoll\n"
        "connections   3 of at most 10\n"
        "requests      12 on 0 connections\n"
        "last reload   none\n");
}

TEST_CASE("the last reload is told") {
  Status status;
  status.last_reload = LastReload{{1'764'375'022'000'000'000}, false, "weir.yaml:1:1: wrong"};
  const auto json = parse_json(json_of(status));
  REQUIRE(json);
  CHECK(json->find("config")->kind == JsonValue::Kind::null);
  CHECK(json->find("last_reload")->text_of("result") == "failed");
  CHECK(status_table(*json).find("2025-11-29T00:10:22Z, failed: weir.yaml:1:1: wrong\n") != std::string::npos);
}

TEST_CASE("what another process says cannot write escape sequences to the terminal") {
  const auto verdict = parse_json("{\"ok\":true,\"message\":\"a\\u001b[31mb\"}");
  REQUIRE(verdict);
  CHECK(verdict_text(*verdict) == "a\\x1b[31mb\n");
}

TEST_CASE("one that runs is chosen, by its file if there are several") {
  const std::vector<std::string> looked = {"/run/weir", "/tmp/weir-0"};
  const std::vector<Found> two = {found(1, "/a.yaml"), found(2, "/b.yaml")};
  CHECK(choose({two[0]}, "", looked, 0).found->candidate.process == 1);
  CHECK(choose(two, "/b.yaml", looked, 0).found->candidate.process == 2);

  const Choice several = choose(two, "", looked, 0);
  CHECK(several.found == nullptr);
  CHECK(several.exit_code == exit_usage);
  for (const char* piece : {"2 weirs are running", "-c FILE or --control ADDRESS", "pid 1  /a.yaml  unix:/run/weir/1.sock",
                            "pid 2  /b.yaml  unix:/run/weir/2.sock"}) {
    CHECK(several.problem.find(piece) != std::string::npos);
  }
  const Choice same = choose({two[0], found(3, "/a.yaml")}, "/a.yaml", looked, 0);
  CHECK(same.exit_code == exit_usage);
  CHECK(same.problem.find("choose one with --control ADDRESS") != std::string::npos);
  const Choice other = choose(two, "/c.yaml", looked, 0);
  CHECK(other.exit_code == exit_failed_start);
  CHECK(other.problem.find("no weir is running with /c.yaml; there are:\n") != std::string::npos);
}

TEST_CASE("that none is running says where was looked, and that there are some of other users") {
  const Choice none = choose({}, "", {"/run/weir", "/tmp/weir-0"}, 0);
  CHECK(none.exit_code == exit_failed_start);
  CHECK(none.problem == "no weir is running that this user may control: looked in /run/weir, /tmp/weir-0");
  CHECK(choose({}, "", {"/run/weir"}, 1).problem.ends_with("; 1 belongs to another user"));
  CHECK(choose({}, "", {"/run/weir"}, 2).problem.ends_with("; 2 belong to other users"));
}

TEST_CASE("a control socket is named after its process, and is a pipe where there are no unix sockets") {
  const Platform here{Os::linux_os, 0, BackendKind::epoll};
  const Platform windows{Os::windows, 0, BackendKind::iocp};
  CHECK(control_address("/run/weir", 12, here).ends_with("12.sock"));
  CHECK(control_address("/run/weir", 12, here).starts_with("unix:"));
  CHECK(control_address("C:\\x", 12, windows) == R"(\\.\pipe\weir-control-12)");
}
