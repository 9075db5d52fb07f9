#pragma once
// Builder: fills a Spec from the tree, section by section. Internal to config/. Every section reports all it finds
// wrong and goes on with defaults; the caller discards the Spec if there was an error. Names are read before
// routes, so that a reference is checked where it stands.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/reader.hpp"
#include "core/proxy/spec.hpp"

namespace weir::config {

// The names of one kind, and which were referred to.
class Names {
 public:
  // `kind` is "upstream" or "listener".
  explicit Names(std::string_view kind) : kind_(kind) {}

  void collect(Node* map);
  bool use(Reader& reader, const Node& at, const Path& path, std::string_view name);  // false: unknown, reported
  bool used(std::string_view name) const;
  std::size_t size() const noexcept { return known_.size(); }

 private:
  std::string_view kind_;
  std::unordered_map<std::string_view, bool> known_;  // the value: was it used
};

// Finds routes that can never match because an earlier one takes everything they would.
class Shadows {
 public:
  // `spec` holds all listeners, and every route up to and including the one that was read last.
  void check(Reader& reader, const Node& node, const Path& path, const proxy::Spec& spec);

 private:
  std::unordered_multimap<std::uint64_t, std::uint32_t> seen_;  // hash of host, path and headers: index of the route
};

class Builder {
 public:
  Builder(Reader& reader, proxy::Spec& spec) : reader_(reader), spec_(spec) {}

  void build(Node& root);

  // Called when everything else is in its place: views of addresses point into the strings of the spec.
  static void fill_addresses(proxy::Spec& spec);

 private:
  struct Bound {
    Address address;
    const Node* node;
    bool implied;  // the IPv6 half of ":80"
  };

  // sections.cpp
  void runtime(Node* node, const Path& path);
  void limits(Node* node, const Path& path);
  void timeouts(Node* node, const Path& path);
  void paths(Node* node, const Path& path, proxy::PathRules& out);
  void forwarding(Node* node, const Path& path);
  void access_log(Node* node, const Path& path);
  void log_format(Node& node, const Path& path);
  void server_name(Node* node, const Path& path);

  // listeners.cpp
  void listeners(Node* node, const Path& path);
  void listener(Node& key, Node& value, const Path& path);
  void bind(Node& node, const Path& path, proxy::ListenerSpec& out);
  void unix_mode(Node& node, const Path& path, proxy::ListenerSpec& out);
  bool check_clash(const Node& node, const Path& path, const Address& address, bool implied);
  void drop_implied(const Address& address);
  void check_reachable(const Node& listeners, const Path& path);

  // upstreams.cpp
  void upstreams(Node* node, const Path& path);
  void upstream(Node& key, Node& value, const Path& path);
  void endpoints(Node& node, const Path& path, proxy::UpstreamSpec& out);
  void endpoint(Node& node, const Path& path, proxy::UpstreamSpec& out);
  void check_unused(const Node& upstreams, const Path& path);

  // health_check.cpp
  void health_check(Node* node, const Path& path, proxy::UpstreamSpec& out);

  // routes.cpp
  void routes(Node* node, const Path& path);
  void route(Node& node, const Path& path);
  void conditions(const Fields& fields, proxy::RouteSpec& out);
  void action(const Fields& fields, proxy::RouteSpec& out);
  void options(Fields& fields, proxy::RouteSpec& out);
  std::optional<std::string> rewritten_path(Node& node, const Path& path, const proxy::RouteSpec& route);
  void rewrite(Node* node, const Path& path, proxy::RouteSpec& out);
  void respond(Node& node, const Path& path, proxy::RouteSpec& out);
  void redirect(Node& node, const Path& path, proxy::RouteSpec& out);

  Reader& reader_;
  proxy::Spec& spec_;
  Names upstream_names_{"upstream"};
  Names listener_names_{"listener"};
  std::vector<Bound> bound_;
  Shadows shadows_;
};

// conditions.cpp: what a route compares. Each reports and returns nothing when the text is wrong.
std::optional<std::string> read_host(Reader& reader, Node& node, const Path& path);
std::optional<std::string> read_path(Reader& reader, Node& node, const Path& path, std::string_view text,
                                     const proxy::PathRules& rules);
std::optional<std::string> read_method(Reader& reader, Node& node, const Path& path);
void read_matches(Reader& reader, Node& node, const Path& path, std::vector<proxy::HeaderMatch>& out);

// headers.cpp
enum class Headers { request, response, check };
void read_header_edit(Reader& reader, const Fields& fields, Headers which, proxy::HeaderEdit& out);
void read_header_lists(Reader& reader, Node& node, const Path& path, Headers which,
                       std::vector<proxy::HeaderEdit::Line>& out);
void read_constant_headers(Reader& reader, Node& node, const Path& path, std::vector<proxy::HeaderEdit::Line>& out);
std::optional<std::string> read_field_value(Reader& reader, Node& node, const Path& path);  // without request variables

// addresses.cpp
std::optional<Address> read_bind(Reader& reader, Node& node, const Path& path);

// Where the control socket is: "auto", "off", or the text of an address that only this machine can reach.
std::optional<std::string> read_control(Reader& reader, Node& node, const Path& path);
bool read_endpoint(Reader& reader, Node& node, const Path& path);  // an address or name:port
bool is_host_name(std::string_view text) noexcept;

}  // namespace weir::config
