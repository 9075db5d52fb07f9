#include <fmt/format.h>

#include <algorithm>

#include "config/build.hpp"

namespace weir::config {

void Builder::upstreams(Node* node, const Path& path) {
  if (!node) return;
  spec_.upstreams.reserve(node->kind == Kind::map ? node->size : 0);
  reader_.entries(*node, path, "a map of upstreams (app: [\"127.0.0.1:3000\"])",
                  [&](Node& key, Node& value, const Path& at) { upstream(key, value, at); });
}

void Builder::upstream(Node& key, Node& value, const Path& path) {
  proxy::UpstreamSpec& out = spec_.upstreams.emplace_back();
  out.name = key.view();
  out.origin = reader_.origin(key);
  if (value.kind == Kind::scalar || value.kind == Kind::list) {
    endpoints(value, path, out);
    return;
  }
  Fields fields(reader_, &value, path, keys::upstream);
  if (Node* list = fields["endpoints"]) {
    endpoints(*list, fields.at("endpoints"), out);
  } else {
    reader_.error(key, path, fmt::format("the upstream \"{}\" has no endpoints", out.name),
                  "add endpoints: [\"127.0.0.1:3000\"]");
  }
  fields.read_members(out);
  if (const Node* written = fields["max_idle"]) {
    Demands& demands = reader_.demands();
    demands.idle_connections += std::uint64_t{out.max_idle} * out.endpoints.size();
    if (out.max_idle > demands.most_idle) {
      demands.most_idle = out.max_idle;
      demands.idle_pool = reader_.tree().place_of(*written, fields.at("max_idle").text());
    }
  }
  health_check(fields["health_check"], fields.at("health_check"), out);
}

void Builder::endpoints(Node& node, const Path& path, proxy::UpstreamSpec& out) {
  if (node.kind == Kind::map || node.kind == Kind::null) {
    reader_.wrong_kind(node, path, "a list of endpoints", "write [\"127.0.0.1:3000\"]");
    return;
  }
  if (node.kind == Kind::list && node.size == 0) {
    reader_.error(node, path, fmt::format("the upstream \"{}\" has no endpoints", out.name),
                  "an upstream needs at least one: [\"127.0.0.1:3000\"]");
    return;
  }
  out.endpoints.reserve(node.kind == Kind::list ? node.size : 1);
  reader_.each(node, path, [&](Node& at, const Path& place) { endpoint(at, place, out); });
  const auto idle = [](const proxy::EndpointSpec& e) { return e.weight == 0; };
  if (!out.endpoints.empty() && std::all_of(out.endpoints.begin(), out.endpoints.end(), idle)) {
    reader_.warning(node, path, "every endpoint has weight 0: requests to this upstream are answered with 503");
  }
}

void Builder::endpoint(Node& node, const Path& path, proxy::UpstreamSpec& out) {
  proxy::EndpointSpec spec;
  spec.origin = reader_.origin(node);
  Node* address = &node;
  if (node.kind != Kind::scalar) {
    Fields fields(reader_, &node, path, keys::endpoint);
    address = fields["address"];
    fields.read_members(spec);
    if (!address) {
      if (node.kind == Kind::map || node.kind == Kind::null) {
        reader_.error(node, path, "the endpoint has no address", "add address: \"127.0.0.1:3000\"");
      }
      return;
    }
    if (!read_endpoint(reader_, *address, fields.at("address"))) return;
  } else if (!read_endpoint(reader_, node, path)) {
    return;
  }
  spec.text = address->view();
  const auto same = std::find_if(out.endpoints.begin(), out.endpoints.end(),
                                 [&](const proxy::EndpointSpec& e) { return e.text == spec.text; });
  if (same != out.endpoints.end()) {
    reader_.warning(*address, path, fmt::format("the endpoint \"{}\" is listed twice", spec.text),
                    fmt::format("first listed at {}:{}:{}; use weight for a larger share", same->origin.file,
                                same->origin.line, same->origin.column));
  }
  out.endpoints.push_back(std::move(spec));
}

void Builder::check_unused(const Node& upstreams, const Path& path) {
  if (upstreams.kind != Kind::map) return;
  for (const Node* key = upstreams.first; key; key = key->next->next) {
    if (upstream_names_.used(key->view())) continue;
    reader_.warning(*key, Path(path, key->view()), fmt::format("the upstream \"{}\" is not used", key->view()),
                    "no route and no listener uses it");
  }
}

}  // namespace weir::config
