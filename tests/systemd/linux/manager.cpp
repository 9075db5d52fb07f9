#include "tests/systemd/linux/manager.hpp"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "tests/support/catch.hpp"

namespace weir::test {

Manager::Manager(Address address) {
  std::string name = (std::filesystem::temp_directory_path() / "weir-notify-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  folder_ = name;
  address_ = address == Address::path ? folder_ + "/notify" : "@" + folder_;
  open();
}

Manager::~Manager() {
  close_socket();
  for (const int descriptor : received_) ::close(descriptor);
  std::filesystem::remove_all(folder_);
}

void Manager::open() {
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, address_.data(), address_.size());
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  if (address_.front() == '@') {
    where.sun_path[0] = '\0';
  } else {
    ++length;
  }
  REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&where), length) == 0);
  const int yes = 1;
  REQUIRE(::setsockopt(socket_, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) == 0);
}

void Manager::close_socket() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  if (address_.front() == '/') ::unlink(address_.c_str());
}

void Manager::replace_socket() {
  close_socket();
  open();
}

bool Manager::has_message() const {
  pollfd entry{socket_, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

Notice Manager::next() {
  char text[8192];
  iovec part{text, sizeof text};
  alignas(cmsghdr) char control[256];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t size = ::recvmsg(socket_, &header, MSG_CMSG_CLOEXEC);
  REQUIRE(size >= 0);
  Notice notice;
  std::istringstream lines(std::string(text, static_cast<std::size_t>(size)));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t sign = line.find('=');
    REQUIRE(sign != std::string::npos);
    REQUIRE(notice.fields.emplace(line.substr(0, sign), line.substr(sign + 1)).second);
  }
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_type == SCM_CREDENTIALS) {
      ucred sender{};
      std::memcpy(&sender, CMSG_DATA(each), sizeof sender);
      notice.sender = sender.pid;
    } else if (each->cmsg_type == SCM_RIGHTS) {
      const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      notice.descriptors.resize(count);
      std::memcpy(notice.descriptors.data(), CMSG_DATA(each), count * sizeof(int));
    }
  }
  received_.insert(received_.end(), notice.descriptors.begin(), notice.descriptors.end());
  return notice;
}

}  // namespace weir::test
