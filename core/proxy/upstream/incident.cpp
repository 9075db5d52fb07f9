#include "core/proxy/upstream/incident.hpp"

#include <fmt/format.h>

#include "core/base/log.hpp"

namespace weir::proxy {

bool blames_endpoint(Ending ending) noexcept {
  switch (ending) {
    case Ending::connect_refused:
    case Ending::connect_timeout:
    case Ending::upstream_closed:
    case Ending::upstream_reset:
    case Ending::upstream_timeout:
    case Ending::bad_response: return true;
    default: return false;
  }
}

std::string text_of_failure(std::string_view upstream, std::string_view endpoint, Ending ending, std::string_view word,
                            const Incident& incident) {
  std::string text = fmt::format("endpoint fails {} {} ending={}", kv("upstream", upstream), kv("endpoint", endpoint),
                                 word_of(ending));
  if (!word.empty()) text += fmt::format(" {}", kv("word", word));
  return text + fmt::format(" failures={}", incident.failures());
}

std::string text_of_recovery(std::string_view upstream, std::string_view endpoint, const Incident& incident) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(incident.lasted()).count();
  return fmt::format("endpoint answers again {} {} failures={} for_ms={}", kv("upstream", upstream),
                     kv("endpoint", endpoint), incident.failures(), ms);
}

}  // namespace weir::proxy
