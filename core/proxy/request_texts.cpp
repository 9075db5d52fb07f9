#include "core/proxy/request_texts.hpp"

#include <algorithm>
#include <utility>

namespace weir::proxy {
namespace {

bool has_dollar(const HeaderEdit& edit) noexcept {
  const auto holds_one = [](const HeaderEdit::Line& line) { return line.value.find('$') != line.value.npos; };
  return std::any_of(edit.set.begin(), edit.set.end(), holds_one) ||
         std::any_of(edit.add.begin(), edit.add.end(), holds_one);
}

}  // namespace

RequestTexts::RequestTexts(std::span<const ListenerSpec> listeners, std::span<const RouteSpec> file,
                           std::span<const RouteSpec> added) {
  of_listeners_.reserve(listeners.size());
  for (const ListenerSpec& listener : listeners) of_listeners_.push_back(compiled(listener.response_headers));
  std::size_t index = 0;
  for (const std::span<const RouteSpec> routes : {file, added}) {
    for (const RouteSpec& route : routes) {
      if (auto texts = compiled(route)) {
        of_routes_.resize(index + 1);
        of_routes_[index] = std::move(texts);
      }
      ++index;
    }
  }
}

// Whoever fills a specification has refused texts that are not templates; one that slips through is sent as it is.
const Template* RequestTexts::kept(const std::string& text) {
  if (const auto known = templates_.find(text); known != templates_.end()) return &known->second;
  auto made = Template::compile(text);
  return made ? &templates_.emplace(text, std::move(*made)).first->second : nullptr;
}

const Template* RequestTexts::compiled(const std::string& text) {
  return text.find('$') == text.npos ? nullptr : kept(text);
}

// A location is a URI: what it cannot hold is encoded, as it is in what variables hold.
const Template* RequestTexts::compiled_location(const std::string& text) {
  std::string uri;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (detail::is_visible(byte)) {
      uri += c;
    } else {
      uri += {'%', detail::upper_hex[byte >> 4], detail::upper_hex[byte & 15]};
    }
  }
  return uri == text ? compiled(text) : kept(uri);
}

EditTexts RequestTexts::compiled(const HeaderEdit& edit) {
  EditTexts texts;
  if (!has_dollar(edit)) return texts;
  bool varies = false;
  for (const auto* list : {&edit.set, &edit.add}) {
    for (const HeaderEdit::Line& line : *list) {
      const Template* text = compiled(line.value);
      const bool constant = text == nullptr || text->is_constant();
      texts.values.push_back(text == nullptr ? std::string_view(line.value) : constant ? text->constant() : "");
      texts.templates.push_back(constant ? nullptr : text);
      varies = varies || !constant;
    }
  }
  if (!varies) texts.templates.clear();
  return texts;
}

std::unique_ptr<RouteTexts> RequestTexts::compiled(const RouteSpec& route) {
  RouteTexts texts;
  texts.request_headers = compiled(route.request_headers);
  texts.response_headers = compiled(route.response_headers);
  if (route.respond) texts.respond_headers = compiled(route.respond->headers);
  if (route.redirect) texts.location = compiled_location(route.redirect->location);
  if (route.rewrite.prefix) texts.prefix = compiled(*route.rewrite.prefix);
  if (route.rewrite.path) texts.path = compiled(*route.rewrite.path);
  if (route.rewrite.host) texts.host = compiled(*route.rewrite.host);
  const bool edits = !texts.request_headers.values.empty() || !texts.response_headers.values.empty() ||
                     !texts.respond_headers.values.empty();
  const bool names = texts.location || texts.prefix || texts.path || texts.host;
  return edits || names ? std::make_unique<RouteTexts>(std::move(texts)) : nullptr;
}

}  // namespace weir::proxy
