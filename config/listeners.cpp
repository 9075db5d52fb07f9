#include <fmt/format.h>

#include <algorithm>

#include "config/build.hpp"

namespace weir::config {

namespace {

bool is_wildcard(const Address& address) noexcept {
  return std::all_of(address.ip.begin(), address.ip.end(), [](std::uint8_t b) { return b == 0; });
}

// Names of pipes are the same whatever the case of their letters.
bool same_place(const Address& a, const Address& b) noexcept {
  if (a.family != Family::named_pipe || b.family != Family::named_pipe) return a == b;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.path.begin(), a.path.end(), b.path.begin(), b.path.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

void Builder::listeners(Node* node, const Path& path) {
  if (!node) return;
  spec_.listeners.reserve(node->kind == Kind::map ? node->size : 0);
  reader_.entries(*node, path, "a map of listeners (web: \":8080\")",
                  [&](Node& key, Node& value, const Path& at) { listener(key, value, at); });
}

void Builder::listener(Node& key, Node& value, const Path& path) {
  proxy::ListenerSpec& out = spec_.listeners.emplace_back();
  out.name = key.view();
  out.origin = reader_.origin(key);
  if (value.kind == Kind::scalar || value.kind == Kind::list) {
    bind(value, path, out);
    return;
  }
  Fields fields(reader_, &value, path, keys::listener);
  Node* addresses = fields["bind"];
  if (!addresses) {
    if (value.kind == Kind::map || value.kind == Kind::null) {
      reader_.error(key, path, fmt::format("the listener \"{}\" has no address", out.name), "add bind: \":8080\"");
    }
  } else {
    bind(*addresses, fields.at("bind"), out);
  }
  fields.read("upstream", out.upstream);
  if (!out.upstream.empty()) {
    upstream_names_.use(reader_, *fields["upstream"], fields.at("upstream"), fields["upstream"]->view());
  }
  fields.read_members(out);
  if (Demands& demands = reader_.demands(); out.max_connections > demands.most_connections) {
    demands.most_connections = out.max_connections;
    demands.connections = reader_.tree().place_of(*fields["max_connections"], fields.at("max_connections").text());
  }
  if (out.redirect_to_https && !out.upstream.empty()) {
    reader_.error(*fields["upstream"], fields.at("upstream"),
                  "a listener that redirects to https does not use an upstream", "keep one of the two");
  }
  const Path edits = fields.at("response_headers");
  const Fields response(reader_, fields["response_headers"], edits, keys::header_edit);
  read_header_edit(reader_, response, Headers::response, out.response_headers);
  if (Node* mode = fields["unix_mode"]) unix_mode(*mode, fields.at("unix_mode"), out);
}

void Builder::bind(Node& node, const Path& path, proxy::ListenerSpec& out) {
  if (node.kind == Kind::list && node.size == 0) {
    reader_.error(node, path, fmt::format("the listener \"{}\" has no address", out.name), "bind: \":8080\"");
    return;
  }
  reader_.each(node, path, [&](Node& at, const Path& place) {
    const auto address = read_bind(reader_, at, place);
    if (!address) return;
    const auto add = [&](std::string text, bool second_family) {
      out.bind_texts.push_back(std::move(text));
      out.second_family.push_back(second_family);
    };
    add(std::string(at.view()), false);
    auto& first = reader_.demands().first_bind;
    if (!first) first = reader_.tree().place_of(at, place.text());
    check_clash(at, place, *address, false);
    if (!at.view().starts_with(':') && !at.view().starts_with("*:")) return;
    std::string other = fmt::format("[::]:{}", address->port);
    if (check_clash(at, place, *parse_address(other), true)) add(std::move(other), true);
  });
}

// Whether the address is to be bound. One that is only implied by ":80" gives way to one that is written.
bool Builder::check_clash(const Node& node, const Path& path, const Address& address, bool implied) {
  if (address.has_port() && address.port == 0) return true;  // the system chooses
  for (Bound& other : bound_) {
    if (same_place(other.address, address)) {
      if (implied) return false;
      if (other.implied) {
        drop_implied(address);
        other = {address, &node, false};
        return true;
      }
      reader_.error(node, path, fmt::format("\"{}\" is bound twice", node.view()),
                    fmt::format("it is already bound at {}; keep one of the two", reader_.tree().place(*other.node)));
      return false;
    }
    if (!address.has_port() || other.address.family != address.family || other.address.port != address.port) {
      continue;
    }
    if (is_wildcard(address) != is_wildcard(other.address)) {
      reader_.warning(
          node, path, fmt::format("\"{}\" and \"{}\" overlap", node.view(), other.node->view()),
          fmt::format("the other is at {}; the more specific address gets its connections, and some systems "
                      "refuse the second",
                      reader_.tree().place(*other.node)));
    }
  }
  bound_.push_back({address, &node, implied});
  return true;
}

void Builder::drop_implied(const Address& address) {
  for (proxy::ListenerSpec& listener : spec_.listeners) {
    for (std::size_t i = 0; i < listener.bind_texts.size(); ++i) {
      if (!listener.second_family[i] || parse_address(listener.bind_texts[i]) != address) continue;
      listener.bind_texts.erase(listener.bind_texts.begin() + static_cast<std::ptrdiff_t>(i));
      listener.second_family.erase(listener.second_family.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
  }
}

void Builder::unix_mode(Node& node, const Path& path, proxy::ListenerSpec& out) {
  const auto text = reader_.text(node, path);
  if (!text) return;
  const std::string hint = "write the octal digits in quotes, such as \"0660\"";
  if (!node.is(Node::quoted) && !node.is(Node::expanded)) {
    reader_.error(node, path, fmt::format("YAML 1.1 and 1.2 read {} as different numbers", *text), hint);
    return;
  }
  unsigned mode = 0;
  bool good = !text->empty() && text->size() <= 4;
  for (const char c : *text) {
    good = good && c >= '0' && c <= '7';
    mode = mode * 8 + static_cast<unsigned>(c - '0');
    if (!good) break;
  }
  if (!good || mode > 0777 || mode == 0) {
    reader_.error(node, path, fmt::format("\"{}\" is not a file mode", *text), hint);
    return;
  }
  out.unix_mode = static_cast<std::uint16_t>(mode);
  const auto is_unix = [](const std::string& bound) { return bound.starts_with("unix:"); };
  if (!out.bind_texts.empty() && std::none_of(out.bind_texts.begin(), out.bind_texts.end(), is_unix)) {
    reader_.warning(node, path, "unix_mode has no effect: no address of this listener is a unix socket");
  }
}

// A listener that answers every request with 404 is a mistake.
void Builder::check_reachable(const Node& listeners, const Path& path) {
  if (listeners.kind != Kind::map) return;
  const bool for_all = std::any_of(spec_.routes.begin(), spec_.routes.end(),
                                   [](const proxy::RouteSpec& route) { return route.listeners.empty(); });
  for (const Node* key = listeners.first; key; key = key->next->next) {
    const auto spec = std::find_if(spec_.listeners.begin(), spec_.listeners.end(),
                                   [&](const proxy::ListenerSpec& l) { return l.name == key->view(); });
    if (spec == spec_.listeners.end() || for_all || spec->redirect_to_https || !spec->upstream.empty()) continue;
    if (listener_names_.used(key->view())) continue;
    reader_.error(*key, Path(path, key->view()),
                  fmt::format("the listener \"{}\" has no route and no upstream", spec->name),
                  "add upstream: NAME here, or a route for it");
  }
}

}  // namespace weir::config
