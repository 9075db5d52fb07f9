#include "core/proxy/redirect.hpp"

#include "core/proxy/gathered_text.hpp"

namespace weir::proxy {
namespace {

// Host names and addresses have no port in a location: the listener's would be wrong behind another scheme.
std::string_view without_port(std::string_view host) noexcept {
  const std::size_t bracket = host.find(']');
  return host.substr(0, host.find(':', bracket == host.npos ? 0 : bracket));
}

// Bytes that must not stand in a field value or would end a URI are percent-encoded.
void put_uri_text(std::string_view text, GatheredText& lines) noexcept {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte > 0x20 && byte < 0x7f) continue;
    lines.put(text.substr(begin, i - begin));
    const char escape[] = {'%', hex[byte >> 4], hex[byte & 15]};
    lines.put({escape, sizeof escape});
    begin = i + 1;
  }
  lines.put(text.substr(begin));
}

}  // namespace

void write_location(std::string_view location, const RedirectContext& context, http::SliceWriter& out) noexcept {
  GatheredText lines(out);
  bool first = true;
  const std::string_view query = context.query.substr(context.query.starts_with('?') ? 1 : 0);
  const auto put_path = [&] {
    std::string_view path = context.path;
    while (first && path.starts_with("//")) path.remove_prefix(1);
    put_uri_text(path, lines);
  };
  while (!location.empty()) {
    const std::size_t mark = location.find("${");
    put_uri_text(location.substr(0, mark), lines);
    if (mark == location.npos) break;
    first = first && mark == 0;
    location.remove_prefix(mark);
    const std::size_t end = location.find('}');
    const std::string_view name = end == location.npos ? std::string_view{} : location.substr(2, end - 2);
    if (name == "scheme") {
      put_uri_text(context.scheme, lines);
    } else if (name == "host") {
      put_uri_text(without_port(context.host), lines);
    } else if (name == "host_port") {
      put_uri_text(context.host_port, lines);
    } else if (name == "path") {
      put_path();
    } else if (name == "query") {
      put_uri_text(query, lines);
    } else if (name == "uri") {
      put_path();
      if (!query.empty()) lines.put("?");
      put_uri_text(query, lines);
    } else {  // not a variable
      lines.put("${");
      location.remove_prefix(2);
      first = false;
      continue;
    }
    first = false;
    location.remove_prefix(end + 1);
  }
  lines.flush();
}

}  // namespace weir::proxy
