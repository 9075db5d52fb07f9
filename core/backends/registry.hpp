#pragma once
// The backends that were compiled in, and the choice among them at run time. A backend is probed by creating it.
// Any thread; owns nothing.

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/reactor/backend.hpp"

namespace weir {

struct BackendInfo {
  std::string_view name;
  BackendKind kind;
  Result<std::unique_ptr<Backend>> (*make)() noexcept;
  std::string (*explain)(const Error&) = nullptr;  // why it cannot be made; null: as describe()
  bool by_name_only = false;  // never chosen by "auto"
};

// In order of preference.
std::span<const BackendInfo> compiled_backends() noexcept;

// The system this was compiled for.
Os compiled_os() noexcept;

// Creates the named backend, or for "auto" the first that works; the reasons for those passed over are appended to
// `passed_over`, a line each, for the log. The error is a sentence for the operator.
std::expected<std::unique_ptr<Backend>, std::string> make_backend(std::string_view wanted,
                                                                  std::vector<std::string>* passed_over = nullptr);

// Why the name is not one of the compiled backends, and which those are: "iocp exists on Windows only; here: auto, ...".
std::string why_missing(std::string_view name);

Result<std::unique_ptr<Backend>> make_epoll_backend() noexcept;
Result<std::unique_ptr<Backend>> make_kqueue_backend() noexcept;
Result<std::unique_ptr<Backend>> make_io_uring_backend() noexcept;
std::string explain_io_uring(const Error& error);
Result<std::unique_ptr<Backend>> make_poll_backend() noexcept;
Result<std::unique_ptr<Backend>> make_select_backend() noexcept;
Result<std::unique_ptr<Backend>> make_iocp_backend() noexcept;

}  // namespace weir
