#include "daemon/control/verbs.hpp"

#include <algorithm>

#include "core/base/assert.hpp"

namespace weir::daemon {

std::span<const Verb> verbs() noexcept {
  static constexpr Verb table[] = {
      {Request::stop, "stop", "/v1/stop", ""},
      {Request::stop_now, "stop --now", "/v1/stop", R"({"now":true})"},
      {Request::drain, "drain", "/v1/drain", ""},
      {Request::reload, "reload", "/v1/reload", ""},
      {Request::reopen_logs, "reopen-logs", "/v1/reopen-logs", ""},
      {Request::upgrade, "upgrade", "/v1/upgrade", ""},
  };
  return table;
}

const Verb& verb_of(Request request) noexcept {
  const auto found = std::ranges::find(verbs(), request, &Verb::request);
  WEIR_VERIFY(found != verbs().end());
  return *found;
}

}  // namespace weir::daemon
