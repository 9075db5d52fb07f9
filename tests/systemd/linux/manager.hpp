#pragma once
// A service manager's end of the notify socket, as sd_notify(3) describes it: a bound datagram socket that reads fields
// and descriptors. Owns its socket and what it received. The test's thread; never waits.

#include <map>
#include <string>
#include <vector>

namespace weir::test {

struct Notice {
  std::map<std::string, std::string> fields;
  std::vector<int> descriptors;  // the manager's to close
  int sender = 0;                // process
};

class Manager {
 public:
  enum class Address { path, abstract };
  explicit Manager(Address address);
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager();

  std::string address() const { return address_; }  // for NOTIFY_SOCKET
  // The next message. A field that is there twice, and no message, fail the test.
  Notice next();
  bool has_message() const;
  void replace_socket();  // as after a restart: another socket at the same address

 private:
  void open();
  void close_socket();

  std::string folder_;
  std::string address_;
  int socket_ = -1;
  std::vector<int> received_;
};

}  // namespace weir::test
