#include "core/proxy/router.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace weir::proxy {
namespace {

constexpr std::uint16_t any_method = 0;
constexpr std::uint16_t other_method = 1u << static_cast<unsigned>(http::Method::other);
constexpr std::uint32_t every_listener = 0;  // the listener set of routes without a restriction
constexpr std::uint32_t any_host = 0;        // the host entry of routes without a host

// Hosts with at most this many paths are searched in order; that is one cache line or two, and no hashing.
constexpr std::uint32_t few_paths = 6;

// Eight bytes at a time. `fold` is or-ed into every byte: 0x20 makes the hash blind to the case of letters. Only the
// configuration inserts, so the hash need not withstand an attacker.
std::uint32_t hash_of(std::string_view text, std::uint64_t seed, std::uint8_t fold) noexcept {
  constexpr std::uint64_t multiplier = 0x9e3779b97f4a7c15u;
  const std::uint64_t folds = 0x0101010101010101u * fold;
  std::uint64_t hash = (seed + text.size()) * multiplier;
  const char* at = text.data();
  std::size_t left = text.size();
  const auto mix = [&](std::uint64_t word) noexcept {
    hash = (hash ^ (word | folds)) * multiplier;
    hash ^= hash >> 32;
  };
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    mix(word);
  }
  std::uint64_t word = 0;
  if (left > 0) std::memcpy(&word, at, left);
  mix(word);
  return static_cast<std::uint32_t>(hash);
}

// Open addressing with linear probing, at most half full. Holds positions in some other table.
class Index {
 public:
  void reserve(std::size_t entries) {
    std::size_t size = 4;
    while (size < entries * 2) size *= 2;
    slots_.assign(size, Slot{});
  }
  void insert(std::uint32_t hash, std::uint32_t position) {
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at].position != Router::none) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {hash, position};
  }
  // The position for which same(position) holds, or none.
  template <class Same>
  std::uint32_t find(std::uint32_t hash, Same&& same) const noexcept {
    for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot slot = slots_[at];
      if (slot.position == Router::none) return Router::none;
      if (slot.hash == hash && same(slot.position)) return slot.position;
    }
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t position = Router::none;
  };
  std::vector<Slot> slots_ = std::vector<Slot>(4);
};

std::uint16_t methods_of(const RouteSpec& route) noexcept {
  // In the order of http::Method.
  static constexpr std::string_view names[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                               "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  std::uint16_t mask = 0;
  for (const std::string& method : route.methods) {
    const auto* found = std::find(std::begin(names), std::end(names), method);
    mask |= found == std::end(names) ? other_method : static_cast<std::uint16_t>(1u << (found - std::begin(names)));
  }
  return mask;
}

// Without port, brackets kept, without the dot of a fully qualified name.
std::string_view bare_host(std::string_view host) noexcept {
  if (!host.empty() && host.front() == '[') {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(0, end + 1);
  }
  host = host.substr(0, host.find(':'));
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  return host;
}

// The key of a route's host: "*.example.com" is kept as ".example.com", which no exact host looks like.
std::string_view host_key(std::string_view host) noexcept {
  if (host == "*") return {};
  return bare_host(host.starts_with("*.") ? host.substr(1) : host);
}

// What a prefix is compared as: "/a/" is "/a", and "/" is the empty prefix that every path has.
std::string_view path_key(const RouteSpec& route) noexcept {
  std::string_view path = route.path;
  if (route.path_match == PathMatch::prefix && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

bool headers_match(const RouteSpec& route, const http::RequestHead& head) noexcept {
  const auto fulfilled = [&head](const HeaderMatch& match) noexcept {
    for (std::uint16_t i = 0; i < head.field_count; ++i) {
      const http::Field& field = head.fields[i];
      if (match.value && head.value(field) != *match.value) continue;
      if (http::equal_ignoring_case(head.name(field), match.name)) return true;
    }
    return false;
  };
  return std::all_of(route.headers.begin(), route.headers.end(), fulfilled);
}

}  // namespace

// All names are in one text and all lists in a few flat arrays, so that ten thousand routes are some hundred kilobytes.
struct Router::Table {
  struct Text {
    std::uint32_t begin, size;
  };
  struct Host {
    Text name;
    std::uint32_t first_group, groups;    // exact paths, then prefixes from long to short
    std::uint32_t first_length, lengths;  // the distinct lengths of its prefixes from long to short
  };
  struct Group {  // the routes of one host and path
    Text path;
    bool exact;
    std::uint32_t first, candidates;  // by precedence
  };
  struct Candidate {
    std::uint32_t route;
    std::uint32_t listeners;  // position of its set
    std::uint16_t methods;    // mask of http::Method; any_method
    bool headers;             // has header conditions
  };
  // A route under one of its hosts, while the tables are made.
  struct Draft {
    std::uint32_t host;
    std::uint32_t route;
    std::string_view path;
    std::uint32_t headers;
    std::uint16_t methods;
    bool exact;
  };

  std::span<const RouteSpec> routes;
  std::span<const RouteSpec> more;
  std::string bytes;
  std::vector<Host> hosts;
  std::vector<Group> groups;
  std::vector<Candidate> candidates;
  std::vector<std::uint32_t> prefix_lengths;
  std::vector<std::uint32_t> wildcard_lengths;  // distinct, from long to short
  Index host_index;
  Index group_index;  // of hosts with many paths
  std::uint32_t set_words = 0;
  std::vector<std::uint64_t> listener_sets;  // set_words each; the first one is not looked at

  const RouteSpec& route(std::uint32_t i) const noexcept {
    return i < routes.size() ? routes[i] : more[i - routes.size()];
  }
  std::uint32_t route_count() const noexcept { return static_cast<std::uint32_t>(routes.size() + more.size()); }
  std::string_view view(Text text) const noexcept { return {bytes.data() + text.begin, text.size}; }
  Text keep(std::string_view text) {
    const auto begin = static_cast<std::uint32_t>(bytes.size());
    bytes += text;
    return {begin, static_cast<std::uint32_t>(text.size())};
  }

  static std::uint32_t hash_host(std::string_view name) noexcept { return hash_of(name, 0, 0x20); }
  static std::uint32_t hash_group(std::uint32_t host, bool exact, std::string_view path) noexcept {
    return hash_of(path, std::uint64_t{host} * 2 + exact + 1, 0);
  }
  std::uint32_t find_host(std::string_view name) const noexcept {
    return host_index.find(hash_host(name), [&](std::uint32_t i) noexcept {
      return hosts[i].name.size == name.size() && http::equal_ignoring_case(view(hosts[i].name), name);
    });
  }
  std::uint32_t find_group(std::uint32_t host, bool exact, std::string_view path) const noexcept {
    const Host& of = hosts[host];
    return group_index.find(hash_group(host, exact, path), [&](std::uint32_t i) noexcept {
      return i - of.first_group < of.groups && groups[i].exact == exact && view(groups[i].path) == path;
    });
  }

  void build();
  std::vector<Draft> draft();
  std::uint32_t host_of(std::string_view key);
  void add_group(const Draft& first);
  void index_groups();

  bool fulfilled(const Candidate& candidate, const Query& query) const noexcept;
  std::uint32_t find_in_group(std::uint32_t group, const Query& query) const noexcept;
  std::uint32_t find_in_few(const Host& host, const Query& query) const noexcept;
  std::uint32_t find_in_host(std::uint32_t host, const Query& query) const noexcept;
};

std::uint32_t Router::Table::host_of(std::string_view key) {
  if (key.empty()) return any_host;
  const std::uint32_t known = find_host(key);
  if (known != none) return known;
  const auto position = static_cast<std::uint32_t>(hosts.size());
  hosts.push_back({keep(key), 0, 0, 0, 0});
  host_index.insert(hash_host(key), position);
  if (key.front() == '.') wildcard_lengths.push_back(static_cast<std::uint32_t>(key.size()));
  return position;
}

std::vector<Router::Table::Draft> Router::Table::draft() {
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < route_count(); ++i) count += std::max<std::size_t>(route(i).hosts.size(), 1);
  std::vector<Draft> drafts;
  drafts.reserve(count);
  host_index.reserve(count);
  hosts.reserve(count + 1);
  hosts.push_back({keep({}), 0, 0, 0, 0});
  for (std::uint32_t i = 0; i < route_count(); ++i) {
    const RouteSpec& spec = route(i);
    Draft one{any_host,         i,
              path_key(spec),   static_cast<std::uint32_t>(spec.headers.size()),
              methods_of(spec), spec.path_match == PathMatch::exact};
    if (spec.hosts.empty()) drafts.push_back(one);
    for (const std::string& host : spec.hosts) {
      one.host = host_of(host_key(host));
      drafts.push_back(one);
    }
  }
  return drafts;
}

void Router::Table::add_group(const Draft& first) {
  Host& host = hosts[first.host];
  if (host.groups++ == 0) {
    host.first_group = static_cast<std::uint32_t>(groups.size());
    host.first_length = static_cast<std::uint32_t>(prefix_lengths.size());
  }
  groups.push_back({keep(first.path), first.exact, static_cast<std::uint32_t>(candidates.size()), 0});
  const auto length = static_cast<std::uint32_t>(first.path.size());
  if (first.exact || (host.lengths > 0 && prefix_lengths.back() == length)) return;
  prefix_lengths.push_back(length);
  ++host.lengths;
}

void Router::Table::index_groups() {
  std::size_t indexed = 0;
  for (const Host& host : hosts) indexed += host.groups > few_paths ? host.groups : 0;
  group_index.reserve(indexed);
  for (std::uint32_t h = 0; h < hosts.size(); ++h) {
    if (hosts[h].groups <= few_paths) continue;
    for (std::uint32_t g = hosts[h].first_group; g < hosts[h].first_group + hosts[h].groups; ++g)
      group_index.insert(hash_group(h, groups[g].exact, view(groups[g].path)), g);
  }
}

void Router::Table::build() {
  std::vector<Draft> drafts = draft();
  // Everything but the file order is compared inside one host, so this order is the precedence.
  std::sort(drafts.begin(), drafts.end(), [](const Draft& a, const Draft& b) {
    if (a.host != b.host) return a.host < b.host;
    if (a.exact != b.exact) return a.exact;
    if (a.path.size() != b.path.size()) return a.path.size() > b.path.size();
    if (const int order = a.path.compare(b.path); order != 0) return order < 0;
    if ((a.methods == any_method) != (b.methods == any_method)) return a.methods != any_method;
    if (a.headers != b.headers) return a.headers > b.headers;
    return a.route < b.route;
  });
  candidates.reserve(drafts.size());
  groups.reserve(drafts.size());
  const Draft* before = nullptr;
  for (const Draft& one : drafts) {
    if (!before || before->host != one.host || before->exact != one.exact || before->path != one.path) add_group(one);
    // Until the listeners are known, a restricted route matches on none: a set beyond the last one.
    const std::uint32_t listeners = route(one.route).listeners.empty() ? every_listener : none;
    candidates.push_back({one.route, listeners, one.methods, one.headers > 0});
    ++groups.back().candidates;
    before = &one;
  }
  index_groups();
  std::sort(wildcard_lengths.begin(), wildcard_lengths.end(), std::greater<>());
  wildcard_lengths.erase(std::unique(wildcard_lengths.begin(), wildcard_lengths.end()), wildcard_lengths.end());
  bytes.shrink_to_fit();
  hosts.shrink_to_fit();
}

bool Router::Table::fulfilled(const Candidate& candidate, const Query& query) const noexcept {
  if (candidate.listeners != every_listener) {
    if (candidate.listeners == none || query.listener / 64 >= set_words) return false;
    const std::uint64_t word = listener_sets[std::size_t{candidate.listeners} * set_words + query.listener / 64];
    if ((word >> (query.listener % 64) & 1) == 0) return false;
  }
  if (candidate.methods == any_method && !candidate.headers) return true;
  if (!query.head) return false;
  if (candidate.methods != any_method) {
    if ((candidate.methods >> static_cast<unsigned>(query.head->method) & 1) == 0) return false;
    if (query.head->method == http::Method::other) {
      const auto& names = route(candidate.route).methods;
      if (std::find(names.begin(), names.end(), query.head->method_text) == names.end()) return false;
    }
  }
  return !candidate.headers || headers_match(route(candidate.route), *query.head);
}

std::uint32_t Router::Table::find_in_group(std::uint32_t group, const Query& query) const noexcept {
  const Group& of = groups[group];
  for (std::uint32_t i = of.first; i < of.first + of.candidates; ++i)
    if (fulfilled(candidates[i], query)) return candidates[i].route;
  return none;
}

std::uint32_t Router::Table::find_in_few(const Host& host, const Query& query) const noexcept {
  const std::string_view path = query.path;
  for (std::uint32_t g = host.first_group; g < host.first_group + host.groups; ++g) {
    const std::size_t size = groups[g].path.size;
    if (groups[g].exact ? path.size() != size : path.size() < size) continue;
    if (size != 0 && path.size() > size && path[size] != '/') continue;
    if (path.substr(0, size) != view(groups[g].path)) continue;
    if (const std::uint32_t found = find_in_group(g, query); found != none) return found;
  }
  return none;
}

std::uint32_t Router::Table::find_in_host(std::uint32_t host, const Query& query) const noexcept {
  const Host& of = hosts[host];
  if (of.groups <= few_paths) return find_in_few(of, query);
  const std::string_view path = query.path;
  const std::uint32_t exact = find_group(host, true, path);
  if (exact != none)
    if (const std::uint32_t found = find_in_group(exact, query); found != none) return found;
  for (std::uint32_t i = of.first_length; i < of.first_length + of.lengths; ++i) {
    const std::uint32_t size = prefix_lengths[i];
    if (path.size() < size || (size != 0 && path.size() > size && path[size] != '/')) continue;
    const std::uint32_t group = find_group(host, false, path.substr(0, size));
    if (group == none) continue;
    if (const std::uint32_t found = find_in_group(group, query); found != none) return found;
  }
  return none;
}

std::string_view behind_prefix(const RouteSpec& route, std::string_view path) noexcept {
  return path.substr(std::min(path_key(route).size(), path.size()));
}

Router::Router(std::span<const RouteSpec> routes, std::span<const RouteSpec> more) : table_(std::make_unique<Table>()) {
  table_->routes = routes;
  table_->more = more;
  table_->build();
}

Router::~Router() = default;

std::uint32_t Router::find(const Query& query) const noexcept {
  const Table& table = *table_;
  const std::string_view host = bare_host(query.host);
  if (!host.empty() && host.front() != '.') {
    const std::uint32_t exact = table.find_host(host);
    if (exact != none)
      if (const std::uint32_t found = table.find_in_host(exact, query); found != none) return found;
    for (const std::uint32_t size : table.wildcard_lengths) {
      if (size >= host.size() || host[host.size() - size] != '.') continue;
      const std::uint32_t wildcard = table.find_host(host.substr(host.size() - size));
      if (wildcard == none) continue;
      if (const std::uint32_t found = table.find_in_host(wildcard, query); found != none) return found;
    }
  }
  return table.find_in_host(any_host, query);
}

void Router::bind_listeners(std::span<const ListenerSpec> listeners) {
  Table& table = *table_;
  table.set_words = static_cast<std::uint32_t>((listeners.size() + 63) / 64);
  table.listener_sets.assign(table.set_words, 0);
  // Position 0 is never looked up; an unrestricted route gets a set of its own where some listener only redirects.
  const bool some_redirect = std::any_of(listeners.begin(), listeners.end(),
                                         [](const ListenerSpec& listener) { return listener.redirect_to_https; });
  std::map<std::vector<std::string>, std::uint32_t> known;
  if (!some_redirect) known.emplace(std::vector<std::string>{}, every_listener);
  for (Table::Candidate& candidate : table.candidates) {
    const std::vector<std::string>& names = table.route(candidate.route).listeners;
    const auto next = static_cast<std::uint32_t>(table.set_words ? table.listener_sets.size() / table.set_words : 1);
    const auto [at, fresh] = known.try_emplace(names, next);
    candidate.listeners = at->second;
    if (!fresh) continue;
    table.listener_sets.resize(table.listener_sets.size() + table.set_words, 0);
    std::uint64_t* set = table.listener_sets.data() + std::size_t{next} * table.set_words;
    for (std::size_t i = 0; i < listeners.size(); ++i) {
      const bool applies = names.empty() ? !listeners[i].redirect_to_https
                                         : std::find(names.begin(), names.end(), listeners[i].name) != names.end();
      if (applies) set[i / 64] |= std::uint64_t{1} << (i % 64);
    }
  }
}

}  // namespace weir::proxy
