// What a route compares a request with: host, path, method, headers.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/build.hpp"
#include "core/http/uri.hpp"

namespace weir::config {

namespace {

constexpr std::size_t max_path = 8 * 1024;
constexpr std::string_view known_methods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                              "CONNECT", "OPTIONS", "TRACE", "PATCH"};

// The part of a host behind "*.", checked; or why it is none.
std::string_view host_fault(std::string_view host) {
  if (host.empty()) return "it is empty";
  const auto other =
      std::find_if(host.begin(), host.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  if (other != host.end()) return "it is not ASCII";
  if (host.find('*') != std::string_view::npos) return "a * can only be the whole first label";
  if (!is_host_name(host)) return "it is not a host name";
  return {};
}

std::string host_hint(std::string_view text) {
  if (text == "*") return "leave host out to match any host";
  if (text.find("://") != std::string_view::npos) return "write the host alone, without scheme and path";
  if (text.find('/') != std::string_view::npos) return "write the host alone; the path is a key of its own";
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    return "browsers send such a name in its ASCII form, which begins with xn--: write that";
  }
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && text.find_first_not_of("0123456789", colon + 1) == std::string_view::npos) {
    return fmt::format("the listener decides the port: write {}", text.substr(0, colon));
  }
  return "write app.example.com, or \"*.example.com\" for every name below example.com";
}

std::string path_fault(std::string_view word) {
  if (word == "climbs") return "it climbs above the root";
  if (word == "encoded-slash" || word == "encoded-backslash" || word == "backslash") {
    return "it contains a hidden slash";
  }
  if (word == "encoded-control") return "it contains a control character";
  if (word == "bad-escape") return "a % must be followed by two hex digits";
  if (word == "bad-byte") return "it contains a character that must be percent-encoded";
  if (word == "dot-parameters") return "it contains a .. followed by parameters";
  if (word == "encoded-slash-dots") return "it contains an encoded slash beside . or .., which some servers would resolve";
  return fmt::format("it is refused ({})", word);
}

// The whole segments in front of a wildcard: "/a/*" and "/a*" mean /a, "/a/*.php" means /a as well.
std::string_view before_star(std::string_view text) noexcept {
  const std::size_t star = text.find('*');
  const bool at_end = star + 1 == text.size();
  std::string_view kept = text.substr(0, star);
  if (!at_end && !kept.ends_with('/')) kept = kept.substr(0, kept.rfind('/') + 1);
  while (kept.size() > 1 && kept.ends_with('/')) kept.remove_suffix(1);
  return kept;
}

// What a path of a request looks like that a person writes with "é" or a blank in it.
std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte > 0x20 && byte < 0x7f && std::string_view{"\"<>^`{|}"}.find(c) == std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

std::string path_remedy(std::string_view text, std::string_view word, const proxy::PathRules& rules) {
  if (word == "climbs" || word == "dot-parameters" || word == "encoded-slash-dots") {
    return "write the intended path, without ..";
  }
  if (word == "encoded-slash") {
    return "write / for a separator; for a slash inside a segment add paths: { encoded_slashes: keep } to the route";
  }
  if (word == "encoded-backslash" || word == "backslash") return "write / for a separator";
  if (word == "encoded-control") return "remove it: requests with control characters in the path are rejected (400)";
  if (word == "bad-escape") return "a % itself is written %25";
  std::array<char, 4 * max_path> normal;
  const std::string encoded = percent_encoded(text);
  const http::NormalPath verdict = http::normalise_path(encoded, normal.data(), rules);
  if (verdict.verdict == http::PathVerdict::refused) return "visible ASCII characters; others as their UTF-8 bytes: %C3%A9";
  return fmt::format("write it as it appears in a request: {}", verdict.path);
}

}  // namespace

std::optional<std::string> read_host(Reader& reader, Node& node, const Path& path) {
  const auto text = reader.text(node, path);
  if (!text) return std::nullopt;
  std::string host = lower(*text);
  if (host.size() > 1 && host.ends_with('.')) host.pop_back();
  if (host.starts_with('[')) {
    const bool literal = host.ends_with(']') && parse_ip(host.substr(1, host.size() - 2)).has_value();
    if (literal) return host;
  }
  const std::string_view name = std::string_view{host}.substr(host.starts_with("*.") ? 2 : 0);
  const std::string_view fault = host == "*" ? "it matches everything" : host_fault(name);
  if (fault.empty()) return host;
  reader.error(node, path, fmt::format("\"{}\" is not a host: {}", *text, fault), host_hint(*text));
  return std::nullopt;
}

std::optional<std::string> read_path(Reader& reader, Node& node, const Path& path, std::string_view text,
                                     const proxy::PathRules& rules) {
  const auto refuse = [&](std::string message, std::string hint) {
    reader.error(node, path, std::move(message), std::move(hint));
    return std::nullopt;
  };
  if (!text.starts_with('/')) {
    return refuse(fmt::format("the path \"{}\" does not begin with /", text), fmt::format("write /{}", text));
  }
  if (text.size() > max_path) return refuse("the path is longer than 8KiB", {});
  if (const std::size_t end = text.find_first_of("?#"); end != std::string_view::npos) {
    return refuse(fmt::format("the path \"{}\" contains a {}", text, text[end]),
                  fmt::format("a query is not compared; write {}", text.substr(0, end)));
  }
  if (text.find('*') != std::string_view::npos) {
    const std::string_view meant = before_star(text);
    return refuse(fmt::format("the path \"{}\" contains a *", text),
                  fmt::format("a path is a prefix of whole segments and has no wildcards: {} is for {} and everything "
                              "below it",
                              meant, meant));
  }
  std::array<char, max_path> normal;
  const http::NormalPath verdict = http::normalise_path(text, normal.data(), rules);
  if (verdict.verdict == http::PathVerdict::refused) {
    return refuse(fmt::format("no request can have the path \"{}\": {}", text, path_fault(verdict.word)),
                  path_remedy(text, verdict.word, rules));
  }
  if (verdict.path != text) {
    return refuse(fmt::format("the path \"{}\" is not in its normal form, so no request can match it", text),
                  fmt::format("write {}", verdict.path));
  }
  return std::string(verdict.path);
}

std::optional<std::string> read_method(Reader& reader, Node& node, const Path& path) {
  const auto text = reader.text(node, path);
  if (!text) return std::nullopt;
  if (!is_token(*text)) {
    reader.error(node, path, fmt::format("\"{}\" is not a method", *text), "write GET, or a list: [GET, HEAD]");
    return std::nullopt;
  }
  if (std::find(std::begin(known_methods), std::end(known_methods), *text) != std::end(known_methods)) {
    return std::string{*text};
  }
  const std::string lowered = lower(*text);
  for (const std::string_view known : known_methods) {
    if (lower(known) != lowered) continue;
    reader.error(node, path, fmt::format("methods are case-sensitive: no client sends \"{}\"", *text),
                 fmt::format("write {}", known));
    return std::nullopt;
  }
  if (const std::string_view meant = closest(*text, known_methods); !meant.empty()) {
    reader.warning(node, path, fmt::format("\"{}\" is an unusual method", *text),
                   fmt::format("did you mean {}?", meant));
  }
  return std::string{*text};
}

void read_matches(Reader& reader, Node& node, const Path& path, std::vector<proxy::HeaderMatch>& out) {
  reader.entries(node, path, "a map of header names", [&](Node& key, Node& value, const Path& at) {
    proxy::HeaderMatch match;
    match.name = key.view();
    if (!is_token(match.name)) {
      reader.error(key, at, fmt::format("\"{}\" is not a header name", match.name), "letters, digits and - : X-Env");
      return;
    }
    const bool plain = value.is_scalar() && !value.is(Node::quoted);
    if (value.kind == Kind::null || (plain && value.view() == "true")) {
      out.push_back(std::move(match));
      return;
    }
    if (plain && value.view() == "false") {
      reader.error(value, at, "a route cannot require the absence of a header",
                   "true requires its presence; to match the value false, write \"false\"");
      return;
    }
    match.value = read_field_value(reader, value, at);
    if (match.value) out.push_back(std::move(match));
  });
}

}  // namespace weir::config
