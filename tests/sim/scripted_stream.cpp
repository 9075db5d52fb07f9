#include "tests/sim/scripted_stream.hpp"

#include <algorithm>

namespace weir::sim {

std::size_t Trace::count(std::string_view line) const noexcept {
  return static_cast<std::size_t>(std::count(lines_.begin(), lines_.end(), line));
}

std::string Trace::text() const {
  std::string text;
  for (const std::string& line : lines_) text += line + "\n";
  return text;
}

std::string text_of(const proxy::BodyPart& part) {
  std::string text;
  for (const std::string_view piece : part.pieces) text += piece;
  if (text.empty()) text = "-";
  if (part.last) text += " last";
  if (!part.trailers.empty()) text += " " + std::string(part.trailers.substr(0, part.trailers.find('\r')));
  return text;
}

}  // namespace weir::sim
