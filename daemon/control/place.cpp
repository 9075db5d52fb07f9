#include "daemon/control/place.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

#include "core/base/path.hpp"
#include "core/platform/run_directory.hpp"

namespace weir::daemon {
namespace {

constexpr std::string_view socket_suffix = ".sock";
constexpr std::string_view pointer_suffix = ".at";
constexpr std::string_view pipe_name = "weir-control-";

std::string file_in(const std::string& directory, std::uint32_t process, std::string_view suffix) {
  return text_of(path_of(directory) / fmt::format("{}{}", process, suffix));
}

// "123.sock" is 123.
std::optional<std::uint32_t> process_of(std::string_view name, std::string_view suffix) noexcept {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  std::uint32_t process = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), process);
  if (name.empty() || error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return process;
}

// The first line; empty: it cannot be read.
std::string read_pointer(const std::string& file) {
  std::ifstream in(path_of(file), std::ios::binary);
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<Candidate> candidate_of(const std::string& file, std::string_view name) {
  Candidate out;
  out.file = file;
  if (const auto process = process_of(name, socket_suffix)) {
    out.process = *process;
    out.address = "unix:" + file;
    return out;
  }
  const auto process = process_of(name, pointer_suffix);
  if (!process) return std::nullopt;
  out.process = *process;
  out.address = read_pointer(file);
  const auto address = parse_address(out.address);
  if (!address || address->has_port()) return std::nullopt;
  return out;
}

}  // namespace

std::string control_address(const std::string& directory, std::uint32_t process, const Platform& platform) {
  if (ruling(platform, Feature::unix_sockets).allowed) return "unix:" + file_in(directory, process, socket_suffix);
  return fmt::format("{}{}{}", pipe_prefix, pipe_name, process);
}

std::string pointer_file(const std::string& directory, std::uint32_t process) {
  return file_in(directory, process, pointer_suffix);
}

bool write_pointer(const std::string& directory, std::uint32_t process, const std::string& address) {
  std::ofstream out(path_of(pointer_file(directory, process)), std::ios::binary | std::ios::trunc);
  out << address << "\n";
  return static_cast<bool>(out.flush());
}

std::vector<Candidate> find_candidates(const std::vector<std::string>& directories) {
  std::vector<Candidate> all;
  for (const std::string& directory : directories) {
    if (!platform::is_trusted_run_directory(directory)) continue;
    std::error_code unreadable;
    for (const auto& entry : std::filesystem::directory_iterator(path_of(directory), unreadable)) {
      auto found = candidate_of(text_of(entry.path()), text_of(entry.path().filename()));
      if (found) all.push_back(std::move(*found));
    }
  }
  std::ranges::sort(all, {}, &Candidate::process);
  return all;
}

void forget(const Candidate& gone) {
  std::error_code ignored;
  if (gone.file.ends_with(pointer_suffix)) {
    std::filesystem::remove(path_of(gone.file), ignored);
  } else {
    platform::remove_stale_socket(gone.file);
  }
}

}  // namespace weir::daemon
