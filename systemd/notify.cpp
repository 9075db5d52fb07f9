#include "systemd/notify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "core/platform/clock.hpp"
#include "systemd/pipe.hpp"

namespace weir::systemd {
namespace {

std::int64_t microseconds(Duration duration) noexcept {
  return std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

// systemd rejects a text that contains a surrogate or one of the code points that Unicode reserves as non-characters.
bool is_character(char32_t point) noexcept {
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  const bool reserved = (point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) == 0xfffe;
  return point <= 0x10ffff && !surrogate && !reserved;
}

std::size_t bytes_by_lead(unsigned char lead) noexcept {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

// Bytes of the character that the text starts with; 0: that is not UTF-8 (RFC 3629, 4).
std::size_t first_character(std::string_view text) noexcept {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = bytes_by_lead(lead);
  if (size <= 1) return size;
  if (text.size() < size) return 0;
  char32_t point = lead & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0U) != 0x80U) return 0;
    point = point << 6U | (byte & 0x3fU);
  }
  constexpr char32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
  return point >= lowest[size] && is_character(point) ? size : 0;
}

}  // namespace

std::string status_line(std::string_view text) {
  constexpr std::string_view more = "...";
  std::string out;
  std::size_t room = 0;  // where the line is cut if it becomes too long
  while (!text.empty()) {
    const std::size_t size = first_character(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (size == 0 || byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    } else {
      out.append(text.substr(0, size));
    }
    if (out.size() > most_of_status) return out.substr(0, room).append(more);
    if (out.size() <= most_of_status - more.size()) room = out.size();
    text.remove_prefix(std::max<std::size_t>(1, size));
  }
  return out;
}

bool is_descriptor_name(std::string_view name) noexcept {
  constexpr std::size_t longest = 255;
  return !name.empty() && name.size() <= longest &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~' && c != ':'; });
}

Error Notifier::ready() noexcept { return socket_.send("READY=1"); }

Error Notifier::reloading() noexcept {
  const Duration now{platform::monotonic_now().ns};
  return socket_.send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", microseconds(now)));
}

Error Notifier::stopping() noexcept { return socket_.send("STOPPING=1"); }
Error Notifier::status(std::string_view text) noexcept { return socket_.send("STATUS=" + status_line(text)); }

Error Notifier::extend(Duration longest) noexcept {
  return socket_.send(fmt::format("EXTEND_TIMEOUT_USEC={}", microseconds(longest)));
}

Error Notifier::alive() noexcept { return socket_.send("WATCHDOG=1"); }

Error Notifier::main_process(std::uint32_t process) noexcept {
  return socket_.send(fmt::format("MAINPID={}", process));
}

Error Notifier::store(int descriptor, std::string_view name) noexcept {
  if (!is_descriptor_name(name)) return Errc::bad_argument;
  return socket_.send(fmt::format("FDSTORE=1\nFDNAME={}", name), descriptor);
}

Error Notifier::forget(std::string_view name) noexcept {
  if (!is_descriptor_name(name)) return Errc::bad_argument;
  return socket_.send(fmt::format("FDSTOREREMOVE=1\nFDNAME={}", name));
}

Result<int> Notifier::barrier() noexcept {
  const Result<Pipe> pipe = make_pipe();
  if (!pipe) return std::unexpected(pipe.error());
  const Error error = socket_.send("BARRIER=1", pipe->writing);
  close_end(pipe->writing);
  if (!error) return pipe->reading;
  close_end(pipe->reading);
  return std::unexpected(error);
}

}  // namespace weir::systemd
