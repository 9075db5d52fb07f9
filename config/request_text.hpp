#pragma once
// Texts with variables of the request: header values, redirects, rewrites; and of the access log. Reads one, checks that
// the engine can expand it, and says what was meant by the variables of other proxies. Internal to config/.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/reader.hpp"

namespace weir::config {

// A template for core/proxy/template.hpp: variables of the environment are in it, as text. `names` are the variables
// there are; nothing is returned, and the reason reported, when the text has others.
std::optional<std::string> read_template(Reader& reader, Node& node, const Path& path,
                                         std::span<const std::string_view> names);

// The same for variables of the request.
std::optional<std::string> read_request_text(Reader& reader, Node& node, const Path& path);

// What a variable of nginx, Caddy or HAProxy is called here: "${uri}" for "request_uri"; or why there is none, as a
// sentence that begins with "weir ". Empty: it is unknown.
std::string_view variable_for(std::string_view foreign) noexcept;

}  // namespace weir::config
