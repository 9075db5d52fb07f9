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

// Host, path and route. What is matched is what is forwarded: a route takes a request only by the path that its own
// rules make of it. The rules of the file come first; where a route with others is found, those are tried.
Exchange::Verdict Exchange::settle_route() noexcept {
  const http::RequestHead& head = client.head();
  host_ = head.host;
  Match match = Match::none;
  if (has_path(head)) {
    for (const PathRules& rules : snapshot->path_rules) {
      const Match tried = match_route(rules);
      const bool is_first = &rules == snapshot->path_rules.data();
      if (is_first || match == Match::other_rules || tried == Match::found) match = tried;
      if (match == Match::found) break;
    }
  } else {
    path_ = "/";
    target_ = head.target;
    if (find_route(path_)) match = Match::found;
  }
  if (match == Match::refused) return {400, Ending::bad_request};
  word_ = {};
  if (match != Match::found) return {404, Ending::no_route};
  return target_.empty() ? Verdict{414, Ending::bad_request} : rewrite_target();
}

Exchange::Match Exchange::match_route(const PathRules& rules) noexcept {
  const http::RequestHead& head = client.head();
  std::array<char, 512> small;
  char* room = small.data();
  if (head.path.size() > small.size()) {
    const std::span<char> kept = room_for(head.path.size());
    if (kept.empty()) return Match::refused;
    room = kept.data();
  }
  const http::NormalPath normal = http::normalise_path(head.path, room, rules);
  if (normal.verdict == http::PathVerdict::refused) {
    word_ = normal.word;
    return Match::refused;
  }
  if (!find_route(normal.path)) return Match::none;
  if (snapshot->path_rules.size() > 1 && route->paths != rules) {
    route = nullptr;
    return Match::other_rules;
  }
  if (normal.verdict == http::PathVerdict::unchanged) {
    path_ = head.path;
    target_ = head.form == http::TargetForm::origin ? head.target : keep_text(path_, head.query);
  } else {
    target_ = keep_text(normal.path, head.query);
    path_ = target_.substr(0, normal.path.size());
  }
  return Match::found;
}

bool Exchange::find_route(std::string_view path) noexcept {
  Router::Query query;
  query.listener = client.info().listener;
  query.host = host_;
  query.path = path;
  query.head = &client.head();
  route_index_ = snapshot->router.find(query);
  if (route_index_ == Router::none) return false;
  route = &snapshot->routes[route_index_];
  return true;
}

// Free space for texts that are kept until the exchange ends; empty if there is less than `size`.
std::span<char> Exchange::room_for(std::size_t size) noexcept {
  if (!text_) text_ = engine.reactor.buffers().take();
  if (!text_ || text_.room().size() < size) return {};
  return text_.room();
}

// The three texts one behind the other, kept until the exchange ends; `a` may be where they go already. Empty when
// there is no room.
std::string_view Exchange::keep_text(std::string_view a, std::string_view b, std::string_view c) noexcept {
  const std::size_t size = a.size() + b.size() + c.size();
  const std::span<char> room = room_for(size);
  if (room.empty()) return {};
  char* at = room.data();
  for (std::string_view part : {a, b, c}) {
    if (!part.empty()) std::memmove(at, part.data(), part.size());
    at += part.size();
  }
  text_.commit(size);
  return {room.data(), size};
}

// What a route makes of target and host. Texts with variables are checked: what a client sent must not make a host or a
// path of another kind.
Exchange::Verdict Exchange::rewrite_target() noexcept {
  constexpr Verdict refused{400, Ending::bad_request}, too_long{414, Ending::bad_request};
  const http::RequestHead& head = client.head();
  const Rewrite& rewrite = route->rewrite;
  const RouteTexts* texts = snapshot->texts.of_route(route_index_);
  if (rewrite.host) {
    rewritten_host_ = *rewrite.host;
    if (texts != nullptr && texts->host != nullptr) {
      const auto host = expanded(*texts->host, Expansion::host);
      if (!host) return too_long;
      rewritten_host_ = *host;
      if (!http::parse_authority(rewritten_host_)) {
        word_ = "rewritten-host";
        return refused;
      }
    }
  }
  const std::optional<std::string>& given = rewrite.path ? rewrite.path : rewrite.prefix;
  if (!given || !has_path(head)) return {};
  const Template* text = texts == nullptr ? nullptr : rewrite.path ? texts->path : texts->prefix;
  const auto made = text == nullptr ? std::string_view(*given) : expanded(*text, Expansion::path);
  if (!made) return too_long;
  std::string_view begin = *made;
  std::string_view rest;
  if (!rewrite.path) {
    // /old/x with /old -> /new gives /new/x; a doubled slash at the seam is avoided.
    rest = behind_prefix(*route, path_);
    if (begin.ends_with('/') && rest.starts_with('/')) begin.remove_suffix(1);
    if (begin.empty() && rest.empty()) begin = "/";
  }
  target_ = keep_text(begin, rest, head.query);
  if (target_.empty()) return too_long;
  if (text == nullptr || is_normal(target_.substr(0, begin.size() + rest.size()))) return {};
  word_ = "rewritten-path";
  return refused;
}

// By the rules of the route.
bool Exchange::is_normal(std::string_view path) noexcept {
  std::array<char, 512> small;
  std::span<char> room = small;
  if (path.size() > small.size()) room = room_for(path.size());
  return !room.empty() && http::normalise_path(path, room.data(), route->paths).verdict == http::PathVerdict::unchanged;
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
