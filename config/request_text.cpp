#include "config/request_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/proxy/template.hpp"

namespace weir::config {

namespace {

using What = proxy::Template::Fault::What;

struct Foreign {
  std::string_view name, answer;
};

// nginx writes $name, Caddy {name}.
constexpr Foreign nginx[] = {
    {"args", "${query}"},
    {"arg", "weir has no variable for a single query parameter; ${query} is the whole query"},
    {"binary_remote_addr", "${client}"},
    {"document_uri", "${path}"},
    {"host", "${host}"},
    {"hostname", "weir has no variable for the name of its machine"},
    {"http_host", "${host_port}"},
    {"is_args", "weir has no variable for the question mark; ${uri} includes it if there is a query"},
    {"proxy_add_x_forwarded_for", "weir sends X-Forwarded-For automatically: remove this line"},
    {"proxy_host", "weir has no variable for the upstream's host; without rewrite the Host is the client's"},
    {"proxy_protocol_addr", "${client}"},
    {"query_string", "${query}"},
    {"realip_remote_addr", "${client}"},
    {"remote_addr", "${client}"},
    {"remote_port", "weir has no variable for the client's port"},
    {"remote_user", "weir has no variable for the user"},
    {"request", "weir has no variable for the request line; ${method} and ${uri} are its parts"},
    {"request_id", "${request_id}"},
    {"request_method", "${method}"},
    {"request_uri", "${uri}"},
    {"scheme", "${scheme}"},
    {"server_addr", "weir has no variable for its own address; ${listener} is the listener's name"},
    {"server_name", "${host}"},
    {"server_port", "weir has no variable for its own port; ${host_port} has the requested one"},
    {"uri", "${path}"},
};
constexpr Foreign caddy[] = {
    {"client_ip", "${client}"},
    {"header", "${header.NAME}"},
    {"host", "${host}"},
    {"hostport", "${host_port}"},
    {"http.request.host", "${host}"},
    {"http.request.hostport", "${host_port}"},
    {"http.request.method", "${method}"},
    {"http.request.remote.host", "${client}"},
    {"http.request.scheme", "${scheme}"},
    {"http.request.uri", "${uri}"},
    {"http.request.uri.path", "${path}"},
    {"http.request.uri.query", "${query}"},
    {"http.request.uuid", "${request_id}"},
    {"method", "${method}"},
    {"path", "${path}"},
    {"query", "${query}"},
    {"remote_host", "${client}"},
    {"scheme", "${scheme}"},
    {"uri", "${uri}"},
};

std::string_view answer_in(std::span<const Foreign> table, std::string_view name) noexcept {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Foreign& it) { return it.name == name; });
  return found == table.end() ? std::string_view{} : found->answer;
}

std::string listed(std::span<const std::string_view> names) {
  return fmt::format("${{{}}} and ${{header.NAME}}", fmt::join(names, "} ${"));
}

bool has(std::span<const std::string_view> names, std::string_view name) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The spelling of a "$name" that is not ours.
std::string remedy_for_bare(std::string_view name, std::span<const std::string_view> names) {
  const std::string literal = fmt::format("; to send it literally, write $${}", name);
  if (!name.empty() && name[0] >= '0' && name[0] <= '9') {
    return "weir has no regular expressions, so there are no capture groups" + literal;
  }
  if (name.starts_with("http_") && name != "http_host") {
    std::string field(name.substr(5));
    bool first = true;
    for (char& c : field) {
      if (first && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
      first = c == '_';
      if (first) c = '-';
    }
    return fmt::format("write ${{header.{}}}{}", field, literal);
  }
  const std::string_view known = names.data() == proxy::request_variables.data() ? variable_for(name) : "";
  if (known.starts_with("${")) return fmt::format("write {}{}", known, literal);
  if (!known.empty()) return std::string(known) + literal;
  if (has(names, name)) return fmt::format("write ${{{}}}{}", name, literal);
  return fmt::format("write variables with braces; they are {}{}", listed(names), literal);
}

void report(Reader& reader, const Node& node, const Path& path, const proxy::Template::Fault& fault,
            std::span<const std::string_view> names) {
  switch (fault.what) {
    case What::not_closed:
      reader.error(node, path, "unclosed ${", "write ${NAME}; $${ is a literal ${");
      return;
    case What::no_field_name:
      reader.error(node, path, fmt::format("\"${{{}}}\" has no header name", fault.name), "write ${header.X-Tenant}");
      return;
    case What::bare:
      reader.error(node, path, fmt::format("\"${}\" is not a weir variable", fault.name),
                   remedy_for_bare(fault.name, names));
      return;
    case What::unknown: break;
  }
  std::string hint;
  const std::string_view known = variable_for(fault.name);
  if (known.starts_with("${") && names.data() == proxy::request_variables.data()) {
    hint = fmt::format("did you mean {}? ", known);
  } else if (const std::string_view meant = closest(fault.name, names); !meant.empty()) {
    hint = fmt::format("did you mean ${{{}}}? ", meant);
  }
  const std::size_t divider = fault.name.find(":-");
  if (divider != std::string_view::npos && has(names, fault.name.substr(0, divider))) {
    reader.error(node, path, fmt::format("\"${{{}}}\": only environment variables can have a default", fault.name),
                 fmt::format("write ${{{}}}", fault.name.substr(0, divider)));
    return;
  }
  reader.error(node, path, fmt::format("there is no variable ${{{}}}", fault.name),
               fmt::format("{}The variables are {}; the environment has none of that name either", hint,
                           listed(names)));
}

// What Caddy and HAProxy write is plain text here: that is seldom meant.
void point_out_placeholders(Reader& reader, const Node& node, const Path& path, std::string_view text) {
  for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) break;
    const std::string_view name = text.substr(open + 1, close - open - 1);
    const std::string_view answer = open > 0 && text[open - 1] == '$' ? std::string_view{} : answer_in(caddy, name);
    if (answer.empty()) continue;
    reader.warning(node, path, fmt::format("\"{{{}}}\" is sent literally", name),
                   fmt::format("write the variable as {}", answer));
    return;
  }
  if (const std::size_t percent = text.find("%["); percent != std::string_view::npos) {
    reader.warning(node, path, fmt::format("\"{}\" is sent literally", text.substr(percent, text.find(']', percent) - percent + 1)),
                   fmt::format("weir has no sample expressions; variables are {}", listed(proxy::request_variables)));
  }
}

}  // namespace

std::string_view variable_for(std::string_view foreign) noexcept {
  const std::string_view answer = answer_in(nginx, foreign);
  if (!answer.empty()) return answer;
  return foreign.starts_with("arg_") ? answer_in(nginx, "arg") : answer_in(caddy, foreign);
}

std::optional<std::string> read_template(Reader& reader, Node& node, const Path& path,
                                         std::span<const std::string_view> names) {
  const auto text = reader.text(node, path, names);
  if (!text) return std::nullopt;
  const auto compiled = proxy::Template::compile(*text, names);
  if (!compiled) {
    report(reader, node, path, compiled.error(), names);
    return std::nullopt;
  }
  return std::string(*text);
}

std::optional<std::string> read_request_text(Reader& reader, Node& node, const Path& path) {
  auto text = read_template(reader, node, path, proxy::request_variables);
  if (text) point_out_placeholders(reader, node, path, *text);
  return text;
}

}  // namespace weir::config
