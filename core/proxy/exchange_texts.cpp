// The texts of a configuration that hold variables, expanded for this request. Constant ones are taken as they are.
#include <algorithm>
#include <cstring>
#include <memory>

#include "core/proxy/exchange.hpp"
#include "core/proxy/text_out.hpp"

namespace weir::proxy {

// "http", "https", or what a trusted proxy says.
std::string_view Exchange::scheme() const noexcept {
  if (has_head_ && client.info().trusted) {
    const std::string_view claimed = client.head().value_of(http::FieldId::x_forwarded_proto);
    if (http::equal_ignoring_case(claimed, "https")) return "https";
    if (http::equal_ignoring_case(claimed, "http")) return "http";
  }
  return client.info().scheme;
}

// None: there is no room for it. Without a head, what a request would have said is empty.
std::optional<std::string_view> Exchange::expanded(const Template& text, Expansion what) noexcept {
  if (text.is_constant()) return text.constant();
  const ClientInfo& info = client.info();
  RequestValues values;
  values.scheme = scheme();
  values.path = path_;
  values.request_id = request_id_;
  values.listener = spec().listeners[info.listener].name;
  if (route != nullptr) values.route = route->name;
  if (has_head_) {
    const http::RequestHead& head = client.head();
    values.host = head.authority;
    values.query = head.query;
    values.method = head.method_text;
  }
  std::array<char, max_ip_text> ip;
  if (text.uses(static_cast<std::uint8_t>(Variable::client))) {
    const Address client_address = has_head_ ? client_of(client.head(), *info.peer, spec().forwarding) : *info.peer;
    if (client_address.has_port()) values.client = peer_ip(client_address, ip.data());
  }
  const auto field = [&](http::FieldId id, std::string_view name) noexcept {
    if (!has_head_) return std::string_view{};
    const http::RequestHead& head = client.head();
    const http::Field* found = id == http::FieldId::other ? head.find(name) : head.find(id);
    return found ? head.value(*found) : std::string_view{};
  };
  const std::span<char> room = room_for(1);
  std::size_t size = 0;
  bool fits = !room.empty();
  expand(text, what, values, field, [&](std::string_view run) noexcept {
    fits = fits && run.size() <= room.size() - size;
    if (!fits) return;
    std::memcpy(room.data() + size, run.data(), run.size());
    size += run.size();
  });
  if (!fits) return std::nullopt;
  text_.commit(size);
  return std::string_view(room.data(), size);
}

// Room for so many views among the texts; empty if there is not enough.
std::span<std::string_view> Exchange::room_for_views(std::size_t count) noexcept {
  const std::size_t bytes = count * sizeof(std::string_view);
  const std::span<char> room = room_for(bytes + alignof(std::string_view));
  if (room.empty()) return {};
  void* at = room.data();
  std::size_t space = room.size();
  std::align(alignof(std::string_view), bytes, at, space);
  text_.commit(room.size() - space + bytes);
  auto* const views = static_cast<std::string_view*>(at);
  std::uninitialized_default_construct_n(views, count);
  return {views, count};
}

// What an edit does for this request. False: there is no room for some of its values, which are left empty.
bool Exchange::apply(const HeaderEdit& edit, const EditTexts* texts, AppliedEdit& out) noexcept {
  if (edit.empty()) return true;
  out = AppliedEdit(&edit);
  if (texts == nullptr || texts->values.empty()) return true;
  out.values = texts->values;
  if (texts->templates.empty()) return true;
  const std::span<std::string_view> values = room_for_views(texts->values.size());
  if (values.empty()) return false;
  std::copy(texts->values.begin(), texts->values.end(), values.begin());
  out.values = values;
  bool fits = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (texts->templates[i] == nullptr) continue;
    const auto value = expanded(*texts->templates[i], Expansion::field_value);
    values[i] = value.value_or(std::string_view{});
    fits = fits && value.has_value();
  }
  return fits;
}

// Once the route is known, if there is one. False: not all values have room.
bool Exchange::settle_edits() noexcept {
  edits_settled_ = true;
  const std::uint32_t listener = client.info().listener;
  bool fits = apply(spec().listeners[listener].response_headers, snapshot->texts.of_listener(listener),
                    response_edits_[listener_edit]);
  if (route == nullptr) return fits;
  const RouteTexts* texts = snapshot->texts.of_route(route_index_);
  fits =
      apply(route->response_headers, texts ? &texts->response_headers : nullptr, response_edits_[route_edit]) && fits;
  return apply(route->request_headers, texts ? &texts->request_headers : nullptr, request_edit_) && fits;
}

// Of every response, in the order in which they apply; none at all is the usual case.
std::span<const AppliedEdit> Exchange::response_edits() const noexcept {
  const auto empty = [](const AppliedEdit& edit) noexcept { return edit.empty(); };
  return std::all_of(response_edits_.begin(), response_edits_.end(), empty) ? std::span<const AppliedEdit>{}
                                                                            : response_edits_;
}

}  // namespace weir::proxy
