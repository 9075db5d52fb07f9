// What of a request decides its route, and what is sent on for it: target, host, request id.
#include <cstring>

#include "core/http/uri.hpp"
#include "core/proxy/exchange.hpp"

namespace weir::proxy {
namespace {

bool has_path(const http::RequestHead& head) noexcept {
  return head.form != http::TargetForm::authority && head.form != http::TargetForm::asterisk;
}

}  // namespace

// Normalises the path and finds out the host. False: the target is refused.
bool Exchange::settle_target() noexcept {
  const http::RequestHead& head = client.head();
  host_ = head.host;
  if (has_path(head)) return normalise_target();
  path_ = "/";
  target_ = head.target;
  return true;
}

bool Exchange::normalise_target() noexcept {
  const http::RequestHead& head = client.head();
  std::array<char, 512> small;
  char* room = small.data();
  if (head.path.size() > small.size()) {
    if (!text_) text_ = engine.reactor.buffers().take();
    if (!text_ || text_.room().size() < head.path.size() * 2) return false;
    room = text_.room().data();
    text_.commit(head.path.size());
  }
  const http::NormalPath normal = http::normalise_path(head.path, room);
  if (normal.verdict == http::PathVerdict::refused) {
    word_ = normal.word;
    return false;
  }
  if (normal.verdict == http::PathVerdict::unchanged) {
    path_ = head.path;
    target_ = head.form == http::TargetForm::origin ? head.target : keep_text(path_, head.query);
    return !target_.empty();
  }
  target_ = keep_text(normal.path, head.query);
  path_ = target_.substr(0, normal.path.size());
  return !target_.empty();
}

// The three texts one behind the other, kept until the exchange ends. Empty when there is no room.
std::string_view Exchange::keep_text(std::string_view a, std::string_view b, std::string_view c) noexcept {
  const std::size_t size = a.size() + b.size() + c.size();
  if (!text_) text_ = engine.reactor.buffers().take();
  if (!text_ || text_.room().size() < size) return {};
  char* const out = text_.room().data();
  char* at = out;
  for (std::string_view part : {a, b, c}) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  text_.commit(size);
  return {out, size};
}

bool Exchange::find_route() noexcept {
  Router::Query query;
  query.listener = client.info().listener;
  query.host = host_;
  query.path = path_;
  query.head = &client.head();
  route_index_ = snapshot->router.find(query);
  if (route_index_ == Router::none) return false;
  route = &snapshot->routes[route_index_];
  rewrite_target();
  return true;
}

// An empty target afterwards: there was no room for it.
void Exchange::rewrite_target() noexcept {
  const http::RequestHead& head = client.head();
  const Rewrite& rewrite = route->rewrite;
  if (rewrite.host) rewritten_host_ = *rewrite.host;
  if (!has_path(head)) return;
  if (rewrite.path) {
    target_ = keep_text(*rewrite.path, head.query);
  } else if (rewrite.prefix) {
    // /old/x with /old -> /new gives /new/x; a doubled slash at the seam is avoided.
    const std::string_view rest = behind_prefix(*route, path_);
    std::string_view prefix = *rewrite.prefix;
    if (prefix.ends_with('/') && rest.starts_with('/')) prefix.remove_suffix(1);
    if (prefix.empty() && rest.empty()) prefix = "/";
    target_ = keep_text(prefix, rest, head.query);
  }
}

// A trusted proxy's id is kept, so that one request has one name on its whole way.
void Exchange::choose_request_id() noexcept {
  if (client.info().trusted && spec().forwarding.request_id) {
    const std::string_view given = client.head().value_of(http::FieldId::x_request_id);
    if (!given.empty() && given.size() <= 128) {
      request_id_ = given;
      return;
    }
  }
  make_request_id();
}

void Exchange::make_request_id() noexcept {
  if (!spec().forwarding.request_id) return;
  engine.write_request_id(id_text_.data());
  request_id_ = {id_text_.data(), Engine::request_id_size};
}

}  // namespace weir::proxy
