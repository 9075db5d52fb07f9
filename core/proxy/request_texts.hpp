#pragma once
// RequestTexts: the texts of a specification that hold variables, compiled once: equal ones share a template, a route
// that has none costs a null pointer at most, a text without a dollar nothing. Part of the snapshot:
// immutable after the constructor, read by any thread. The specification outlives it.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/proxy/spec.hpp"
#include "core/proxy/template.hpp"

namespace weir::proxy {

// The values of a HeaderEdit, set before add. Empty if its lines hold what is sent.
struct EditTexts {
  std::vector<std::string_view> values;    // those that are the same for every request
  std::vector<const Template*> templates;  // of the others, null for those; empty: there are no others
};

struct RouteTexts {
  EditTexts request_headers, response_headers, respond_headers;
  // Null: the text is sent as it is.
  const Template* location = nullptr;
  const Template* prefix = nullptr;
  const Template* path = nullptr;
  const Template* host = nullptr;
};

class RequestTexts {
 public:
  // Routes are numbered as in the snapshot: those of the file, then those that weir adds.
  RequestTexts(std::span<const ListenerSpec> listeners, std::span<const RouteSpec> file,
               std::span<const RouteSpec> added);

  // Null: nothing of it is a template.
  const RouteTexts* of_route(std::size_t index) const noexcept {
    return index < of_routes_.size() ? of_routes_[index].get() : nullptr;
  }
  const EditTexts* of_listener(std::size_t index) const noexcept {
    return of_listeners_[index].values.empty() ? nullptr : &of_listeners_[index];
  }
  std::size_t templates() const noexcept { return templates_.size(); }  // distinct ones

 private:
  const Template* kept(const std::string& text);
  const Template* compiled(const std::string& text);
  const Template* compiled_location(const std::string& text);
  EditTexts compiled(const HeaderEdit& edit);
  std::unique_ptr<RouteTexts> compiled(const RouteSpec& route);

  std::unordered_map<std::string, Template> templates_;  // by their text; its nodes stay where they are
  std::vector<EditTexts> of_listeners_;
  std::vector<std::unique_ptr<RouteTexts>> of_routes_;   // ends with the last route that has one
};

}  // namespace weir::proxy
