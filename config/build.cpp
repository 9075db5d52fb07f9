#include "config/build.hpp"

#include <algorithm>

namespace weir::config {

void Names::collect(Node* map) {
  if (!map || map->kind != Kind::map) return;
  known_.reserve(map->size);
  for (const Node* key = map->first; key; key = key->next->next) known_.emplace(key->view(), false);
}

bool Names::use(Reader& reader, const Node& at, const Path& path, std::string_view name) {
  if (const auto found = known_.find(name); found != known_.end()) {
    found->second = true;
    return true;
  }
  std::vector<std::string_view> names;
  names.reserve(known_.size());
  for (const auto& [known, used] : known_) names.push_back(known);
  std::sort(names.begin(), names.end());
  reader.unknown_name(at, path, kind_, name, names);
  return false;
}

bool Names::used(std::string_view name) const {
  const auto found = known_.find(name);
  return found != known_.end() && found->second;
}

void Builder::build(Node& root) {
  const Path top;
  Fields fields(reader_, &root, top, keys::file);
  upstream_names_.collect(fields["upstreams"]);
  listener_names_.collect(fields["listeners"]);
  runtime(fields["runtime"], fields.at("runtime"));
  limits(fields["limits"], fields.at("limits"));
  timeouts(fields["timeouts"], fields.at("timeouts"));
  paths(fields["paths"], fields.at("paths"), spec_.paths);
  forwarding(fields["forwarding"], fields.at("forwarding"));
  access_log(fields["access_log"], fields.at("access_log"));
  server_name(fields["server_name"], fields.at("server_name"));
  upstreams(fields["upstreams"], fields.at("upstreams"));
  listeners(fields["listeners"], fields.at("listeners"));
  routes(fields["routes"], fields.at("routes"));
  if (listener_names_.size() == 0 && (!fields["listeners"] || fields["listeners"]->kind != Kind::list)) {
    reader_.error(root, top, "there is no listener, so nothing would be served", "add listeners: { web: \":8080\" }");
  }
  const Node* list = fields["routes"];
  const bool routes_known = !list || list->kind == Kind::null || list->kind == Kind::list;
  if (fields["listeners"] && routes_known) check_reachable(*fields["listeners"], fields.at("listeners"));
  // A mistake elsewhere often is why nothing names one.
  if (fields["upstreams"] && reader_.tree().errors() == 0) check_unused(*fields["upstreams"], fields.at("upstreams"));
}

}  // namespace weir::config
