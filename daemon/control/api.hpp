#pragma once
// The requests that the control socket answers, as HTTP and JSON: which there are, what each is asked for, what its answer
// looks like. It knows no socket. Control thread.

#include <string>
#include <string_view>

#include "core/proxy/handler.hpp"
#include "daemon/control/controlled.hpp"

namespace weir::daemon {

// Every answer is a JSON object: {"ok":true,...}, or {"ok":false,"error":"...","details":[...]}. `controlled` outlives it.
Task<proxy::HandlerAnswer> answer_control(Controlled& controlled, std::string_view method, std::string_view path,
                                          std::string_view body);

proxy::HandlerAnswer control_error(std::uint16_t status, std::string_view error, std::vector<std::string> details = {});

std::string_view text_of(RunState state) noexcept;  // as people say it: "serving"
std::string json_of(const Status& status);
std::string json_of(const Verdict& verdict);

// "2026-11-29T00:10:22Z"
std::string time_text(WallTime time);

}  // namespace weir::daemon
