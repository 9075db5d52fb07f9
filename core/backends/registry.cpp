#include "core/backends/registry.hpp"

#include <array>

#include "core/reactor/platforms.hpp"

namespace weir {
namespace {

constexpr std::array backends{
#ifdef __linux__
    BackendInfo{"epoll", BackendKind::epoll, make_epoll_backend},
    BackendInfo{"io_uring", BackendKind::io_uring, make_io_uring_backend, explain_io_uring},
#elif defined(WEIR_KQUEUE)
    BackendInfo{"kqueue", BackendKind::kqueue, make_kqueue_backend},
#endif
#ifdef _WIN32
    BackendInfo{"iocp", BackendKind::iocp, make_iocp_backend},
#else
    BackendInfo{"poll", BackendKind::poll, make_poll_backend},
#endif
    BackendInfo{"select", BackendKind::select, make_select_backend},
#if defined(__linux__) && defined(WEIR_KQUEUE)
    // libkqueue: epoll behind another face. It is there so that this backend runs where weir is made.
    BackendInfo{"kqueue", BackendKind::kqueue, make_kqueue_backend, nullptr, true},
#endif
};

std::string names() {
  std::string list = "auto";
  for (const BackendInfo& backend : backends) list.append(", ").append(backend.name);
  return list;
}

std::string failure(const BackendInfo& backend, const Error& error) {
  const std::string why = backend.explain ? backend.explain(error) : describe(error);
  return std::string(backend.name).append(" cannot be used: ").append(why);
}

}  // namespace

std::span<const BackendInfo> compiled_backends() noexcept { return backends; }

Os compiled_os() noexcept {
#if defined(__linux__)
  return Os::linux_os;
#elif defined(__APPLE__)
  return Os::macos;
#elif defined(__FreeBSD__)
  return Os::freebsd;
#elif defined(__OpenBSD__)
  return Os::openbsd;
#elif defined(__NetBSD__)
  return Os::netbsd;
#elif defined(_WIN32)
  return Os::windows;
#else
#error "this system has no backend"
#endif
}

std::expected<std::unique_ptr<Backend>, std::string> make_backend(std::string_view wanted,
                                                                  std::vector<std::string>* passed_over) {
  std::string reasons;
  for (const BackendInfo& backend : backends) {
    if (wanted == "auto" ? backend.by_name_only : wanted != backend.name) continue;
    auto made = backend.make();
    if (made) return std::move(*made);
    const std::string reason = failure(backend, made.error());
    if (passed_over) passed_over->push_back(reason);
    reasons.append(reasons.empty() ? "" : "; ").append(reason);
  }
  if (!reasons.empty()) return std::unexpected(reasons);
  return std::unexpected(why_missing(wanted));
}

std::string why_missing(std::string_view name) {
  const auto kind = backend_named(name);
  if (!kind) return "there is no backend \"" + std::string(name) + "\"; here: " + names();
  const Ruling ruled = ruling({compiled_os(), 0, *kind}, Feature::this_backend);
  if (ruled.allowed) return std::string(name) + " was left out of this build; here: " + names();
  return std::string(restriction(ruled.rule)->sentence).append("; here: ").append(names());
}

}  // namespace weir
