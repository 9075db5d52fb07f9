#include "core/base/log.hpp"
#include "daemon/control/api.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "daemon/control/verbs.hpp"
#include "daemon/json.hpp"

namespace weir::daemon {
namespace {

proxy::HandlerAnswer json_answer(std::uint16_t status, std::string json) {
  proxy::HandlerAnswer answer;
  answer.status = status;
  answer.content_type = "application/json";
  answer.body = std::move(json) + "\n";
  return answer;
}

proxy::HandlerAnswer wrong_method(std::string_view allowed) {
  proxy::HandlerAnswer answer = control_error(405, fmt::format("the method of this request is {}", allowed));
  answer.fields.push_back({"Allow", std::string(allowed)});
  return answer;
}

proxy::HandlerAnswer no_such_path(std::string_view path) {
  std::vector<std::string> known = {fmt::format("GET {}", status_path)};
  for (const Verb& verb : verbs()) {
    std::string text = fmt::format("POST {}", verb.path);
    if (text != known.back()) known.push_back(std::move(text));  // stop and stop_now
  }
  return control_error(404, fmt::format("there is nothing at {}", path), std::move(known));
}

const Verb* verb_at(std::string_view path) noexcept {
  for (const Verb& verb : verbs()) {
    if (verb.path == path) return &verb;
  }
  return nullptr;
}

// What is asked for: the verb's request, and what the body says beside.
struct Asked {
  Request request;
  RequestOptions options;
};

bool read_member(Asked& asked, std::string_view name, const JsonValue& value) {
  const bool is_truth = value.kind == JsonValue::Kind::boolean;
  if (asked.request == Request::stop && name == "now" && is_truth) {
    if (value.truth) asked.request = Request::stop_now;
    return true;
  }
  if (asked.request != Request::reload) return false;
  if (name == "plan" && is_truth) return asked.options.reload.plan_only = value.truth, true;
  if (name != "max_cut") return false;
  const auto number = value.whole_number();
  if (!number || *number > UINT32_MAX) return false;
  asked.options.reload.max_cut = static_cast<std::uint32_t>(*number);
  return true;
}

// Nothing: the body is wrong.
std::optional<Asked> read_body(Request request, std::string_view body) {
  Asked asked{request, {}};
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return asked;
  const auto value = parse_json(body);
  if (!value || value->kind != JsonValue::Kind::object) return std::nullopt;
  for (std::size_t i = 0; i < value->names.size(); ++i)
    if (!read_member(asked, value->names[i], value->items[i])) return std::nullopt;
  return asked;
}

// A stop has been begun; the others have come to their end.
std::uint16_t status_of(Request request, const Verdict& verdict) noexcept {
  if (!verdict.ok) return 409;
  const bool only_begun = request == Request::stop || request == Request::stop_now || request == Request::drain;
  return only_begun ? 202 : 200;
}

std::string counters_json(const proxy::ServerCounters& counters) {
  return JsonObject()
      .number("accepted", counters.accepted)
      .number("requests", counters.requests)
      .number("responses", counters.responses)
      .number("bytes_in", counters.bytes_in)
      .number("bytes_out", counters.bytes_out)
      .number("upstream_connects", counters.upstream_connects)
      .number("upstream_reuses", counters.upstream_reuses)
      .number("retries", counters.retries)
      .number("accept_pauses", counters.accept_pauses)
      .end();
}

std::string listeners_json(const std::vector<Status::Listener>& listeners) {
  std::string out = "[";
  for (const Status::Listener& listener : listeners) {
    if (out.size() > 1) out += ",";
    out += JsonObject().text("name", listener.name).json("addresses", json_list(listener.addresses)).end();
  }
  return out + "]";
}

std::string reload_json(const std::optional<LastReload>& reload) {
  if (!reload) return "null";
  JsonObject out;
  out.text("time", time_text(reload->at)).text("result", reload->ok ? "ok" : "failed");
  return (reload->ok ? out : out.text("error", reload->error)).end();
}

}  // namespace

std::string time_text(WallTime time) {
  using namespace std::chrono;
  const sys_time<nanoseconds> at{nanoseconds{time.ns}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<seconds>(at - day)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::string_view text_of(RunState state) noexcept {
  switch (state) {
    case RunState::starting: return "starting";
    case RunState::serving: return "serving";
    case RunState::finishing: return "draining";
    case RunState::draining: return "stopping";
    case RunState::stopping: break;
  }
  return "stopping now";
}

std::string json_of(const Status& status) {
  JsonObject out;
  out.truth("ok", true)
      .text("version", status.version)
      .number("pid", status.process)
      .text("state", text_of(status.state))
      .text("since", time_text(status.since))
      .json("config", status.config.empty() ? "null" : json_quoted(status.config))
      .json("listeners", listeners_json(status.listeners))
      .number("workers", status.workers)
      .text("backend", status.backend)
      .number("connections", status.connections)
      .number("max_connections", status.max_connections)
      .json("counters", counters_json(status.counters))
      .json("last_reload", reload_json(status.last_reload))
      .number("reloads", status.reloads)
      .number("refused_reloads", status.refused_reloads);
  return out.end();
}

std::string json_of(const Verdict& verdict) {
  const std::string first = verdict.lines.empty() ? "" : verdict.lines.front();
  const std::vector<std::string> rest(verdict.lines.begin() + (verdict.lines.empty() ? 0 : 1), verdict.lines.end());
  JsonObject out;
  out.truth("ok", verdict.ok)
      .text(verdict.ok ? "message" : "error", first)
      .json("details", json_list(rest))
      .number("exit_code", static_cast<std::uint64_t>(verdict.exit_code));
  return (verdict.plan.empty() ? out : out.json("plan", verdict.plan)).end();
}

proxy::HandlerAnswer control_error(std::uint16_t status, std::string_view error, std::vector<std::string> details) {
  JsonObject out;
  out.truth("ok", false).text("error", error).json("details", json_list(details));
  return json_answer(status, out.end());
}

Task<proxy::HandlerAnswer> answer_control(Controlled& controlled, std::string_view method, std::string_view path,
                                          std::string_view body) {
  if (path == status_path) {
    const bool reads = method == "GET" || method == "HEAD";
    co_return reads ? json_answer(200, json_of(controlled.status())) : wrong_method("GET, HEAD");
  }
  const Verb* verb = verb_at(path);
  if (verb == nullptr) co_return no_such_path(path);
  if (method != "POST") co_return wrong_method("POST");
  const auto asked = read_body(verb->request, body);
  if (!asked) {
    co_return control_error(400, R"(the body is not what this request takes: nothing, for a stop {"now": true}, )"
                                 R"(for a reload {"plan": true, "max_cut": 0})");
  }
  log_info("the control socket asks for: {}", verb_of(asked->request).command);
  auto performing = controlled.perform(asked->request, asked->options);
  const Verdict verdict = co_await performing;
  co_return json_answer(status_of(asked->request, verdict), json_of(verdict));
}

}  // namespace weir::daemon
