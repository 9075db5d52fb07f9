#include "core/platform/run_directory.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "core/platform/errors.hpp"
#include "core/platform/program.hpp"
#include "core/reactor/handle.hpp"

namespace weir::platform {
namespace {

bool is_directory(const std::string& path) noexcept {
  struct stat found;
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

// What systemd has made for this unit; several are separated by colons. Empty: there is none.
std::string of_manager() {
  const auto given = environment_variable("RUNTIME_DIRECTORY");
  return given && given->starts_with('/') ? given->substr(0, given->find(':')) : std::string{};
}

// Root's own: only root makes directories in its parent.
std::string of_root() { return is_directory("/run") ? "/run/weir" : "/var/run/weir"; }

std::string of_temporary_files() {
  const auto named = environment_variable("TMPDIR");
  const std::string temporary = named && named->starts_with('/') ? *named : "/tmp";
  return temporary + (temporary.ends_with('/') ? "" : "/") + "weir-" + std::to_string(::geteuid());
}

// Of the path itself, not of what a symbolic link leads to.
Error check_owner(const std::string& path) noexcept {
  struct stat found;
  if (::lstat(path.c_str(), &found) != 0) return last_error();
  const bool others_write = (found.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  const bool owned = found.st_uid == ::geteuid() || found.st_uid == 0;
  return S_ISDIR(found.st_mode) && owned && !others_write ? Error{} : Error(Errc::permission_denied);
}

#ifdef SO_PEERCRED
bool user_of(int fd, uid_t& user) noexcept {
#ifdef __OpenBSD__
  struct sockpeercred who {};
#else
  struct ucred who {};
#endif
  socklen_t size = sizeof who;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return false;
  user = who.uid;
  return true;
}
#else
bool user_of(int fd, uid_t& user) noexcept {
  gid_t group = 0;
  return ::getpeereid(fd, &user, &group) == 0;
}
#endif

}  // namespace

std::vector<std::string> run_directories() {
  std::vector<std::string> all;
  const auto add = [&all](std::string path) {
    if (std::find(all.begin(), all.end(), path) == all.end()) all.push_back(std::move(path));
  };
  if (std::string given = of_manager(); !given.empty()) return {std::move(given)};
  if (::geteuid() == 0) add(of_root());
  const auto session = environment_variable("XDG_RUNTIME_DIR");
  if (session && session->starts_with('/')) add(*session + "/weir");
  add(of_temporary_files());
  add(of_root());
  return all;
}

Error make_run_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0) {
    const Error error = last_error();
    if (error.code != Errc::already_exists) return error;
  }
  return check_owner(path);
}

bool is_trusted_run_directory(const std::string& path) {
  return path == of_root() || path == of_manager() || !check_owner(path);
}

Peer peer_of(const Handle& connection) noexcept {
  uid_t user = 0;
  if (!user_of(static_cast<int>(connection.native), user)) return Peer::unknown;
  return user == 0 || user == ::geteuid() ? Peer::ours : Peer::stranger;
}

}  // namespace weir::platform
