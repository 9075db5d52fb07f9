#include "core/http/h1_writer.hpp"

#include <charconv>
#include <cstring>

namespace weir::http {

void SliceWriter::reset(BufferPool& pool) noexcept {
  pool_ = &pool;
  count_ = 0;
  size_ = 0;
  scratch_used_ = 0;
  overflowed_ = false;
  spill_.reset();
}

// Moves all slices behind each other into the spilled buffer, so that one slice is used and the scratch is free again.
// The first slice is that buffer from then on.
bool SliceWriter::flatten() noexcept {
  if (overflowed_) return false;
  std::size_t first = 1;
  if (!spill_) {
    spill_ = pool_->take();
    first = 0;
  }
  if (!spill_ || spill_.room().size() < size_ - spill_.size()) return overflow();
  for (std::size_t i = first; i < count_; ++i) append_to_spill({slices_[i].data, slices_[i].size});
  slices_[0] = IoSlice(spill_.view());
  count_ = 1;
  scratch_used_ = 0;
  return true;
}

std::string_view SliceWriter::join() noexcept {
  if (count_ > 1 && !flatten()) return {};
  return count_ == 0 ? std::string_view{} : std::string_view(slices_[0].data, slices_[0].size);
}

bool SliceWriter::overflow() noexcept {
  overflowed_ = true;
  return false;
}

void SliceWriter::append_to_spill(std::string_view bytes) noexcept {
  std::memcpy(spill_.room().data(), bytes.data(), bytes.size());
  spill_.commit(bytes.size());
}

void SliceWriter::append_view(std::string_view bytes) noexcept {
  if (bytes.empty() || overflowed_) return;
  IoSlice* last = count_ > 0 ? &slices_[count_ - 1] : nullptr;
  if (last && last->data + last->size == bytes.data()) {
    last->size += bytes.size();
  } else {
    if (count_ == max_slices && !flatten()) return;
    slices_[count_++] = IoSlice(bytes);
  }
  size_ += bytes.size();
}

void SliceWriter::copy(std::string_view bytes) noexcept {
  if (bytes.empty() || overflowed_) return;
  if (bytes.size() > scratch_size - scratch_used_ && !flatten()) return;
  if (bytes.size() > scratch_size) {  // then the spilled buffer is the only slice
    if (bytes.size() > spill_.room().size()) {
      overflow();
      return;
    }
    append_to_spill(bytes);
    slices_[0] = IoSlice(spill_.view());
    size_ += bytes.size();
    return;
  }
  if (count_ == max_slices && !ends_in_scratch() && !flatten()) return;
  char* to = scratch_.data() + scratch_used_;
  std::memcpy(to, bytes.data(), bytes.size());
  scratch_used_ += bytes.size();
  append_view({to, bytes.size()});
}

bool SliceWriter::ends_in_scratch() const noexcept {
  const IoSlice& last = slices_[count_ - 1];
  return last.data + last.size == scratch_.data() + scratch_used_;
}

void SliceWriter::number(std::uint64_t value) noexcept {
  char digits[20];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, value);
  copy({digits, static_cast<std::size_t>(end.ptr - digits)});
}

void SliceWriter::field(std::string_view name, std::string_view value) noexcept {
  copy(name);
  copy(": ");
  copy(value);
  copy("\r\n");
}

std::string_view reason_phrase(std::uint16_t status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 102: return "Processing";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 207: return "Multi-Status";
    case 208: return "Already Reported";
    case 226: return "IM Used";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 305: return "Use Proxy";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 424: return "Failed Dependency";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 506: return "Variant Also Negotiates";
    case 507: return "Insufficient Storage";
    case 508: return "Loop Detected";
    case 511: return "Network Authentication Required";
    default: return "Unknown";
  }
}

}  // namespace weir::http
