#pragma once
// The one table of configuration keys. The reader takes what is allowed from it, messages list it, and reference.md and
// weir.schema.json are generated from it. Static data; any thread.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/proxy/spec.hpp"

namespace weir::config {

enum class Type : std::uint8_t {
  boolean,
  integer,  // low..high
  workers,  // auto, or an integer
  duration,
  size,
  text,
  choice,          // one of `choices`
  texts,           // one text or a list
  text_map,        // name: value
  text_lists_map,  // name: value, or name: [values]
  matches,         // header name: value, or null for "is there"
  object,          // `object`
  map_of,          // name: object
  list_of,         // [object]
};

struct Object;

// Where in the Spec the value of a key goes. Fields::read_members reads all keys of a section that have one; the others
// are read by name, since their value takes more than storing.
using Member =
    std::variant<std::monostate, Duration proxy::Timeouts::*, Duration proxy::Shutdown::*, bool proxy::Forwarding::*,
                 bool proxy::PathRules::*, bool proxy::RouteSpec::*, bool proxy::ListenerSpec::*, bool proxy::Runtime::*,
                 std::uint32_t proxy::ListenerSpec::*, std::uint32_t proxy::Runtime::*, std::uint32_t proxy::UpstreamSpec::*,
                 Duration proxy::UpstreamSpec::*, std::uint32_t proxy::EndpointSpec::*,
                 std::uint32_t proxy::HealthCheckSpec::*>;

struct Key {
  std::string_view name = {};
  Type type = Type::text;
  std::string_view fallback = {};  // as it would be written; empty: no default
  std::string_view doc = {};
  const Object* object = nullptr;
  std::span<const std::string_view> choices = {};
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  Member member = {};
  bool per_route = false;  // of `timeouts`: a route may have its own
};

enum class ShortForm : std::uint8_t { none, text, texts, status_or_text };

struct Object {
  std::string_view name;  // "route", for messages: "a route"
  std::string_view doc;
  std::span<const Key> keys;
  ShortForm short_form = ShortForm::none;
  std::string_view short_doc = {};  // what the short form means
};

namespace keys {
extern const Object file, runtime, shutdown, limits, forwarding, timeouts, route_timeout, paths, access_log, listener,
    route, respond, redirect, rewrite, header_edit, response_headers, upstream, endpoint, health_check, platform;
}

// Every object, the file first.
std::span<const Object* const> all_objects() noexcept;

const Key* find_key(const Object& object, std::string_view name) noexcept;

// config/reference.md and config/weir.schema.json.
std::string reference_markdown();
std::string json_schema();

}  // namespace weir::config
