#include "core/proxy/health/event.hpp"

#include <fmt/format.h>

#include "core/base/log.hpp"

namespace weir::proxy {
namespace {

std::string_view words_of(HealthEvent::What what) noexcept {
  switch (what) {
    case HealthEvent::What::up: return "endpoint is up";
    case HealthEvent::What::down: return "endpoint is down";
    case HealthEvent::What::unknown: return "endpoint cannot be checked";
  }
  return "";
}

}  // namespace

std::string text_of(const HealthEvent& event) {
  std::string text =
      fmt::format("{} {} {} up={}/{} {} {}", words_of(event.what), kv("upstream", event.upstream),
                  kv("endpoint", event.endpoint), event.up, event.all, kv("check", event.check),
                  kv("reason", event.reason));
  if (!event.output.empty()) text += fmt::format(" {}", kv("output", event.output));
  return text;
}

}  // namespace weir::proxy
