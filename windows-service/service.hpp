#pragma once
// A process as a Windows service: the control dispatcher, the service's main function and its controls. What a service
// does is the caller's; this folder knows nothing of proxies. One service per process.
//
// The main thread calls run_service() and is the service control manager's until the service has ended: controls arrive
// on it. The program itself runs on a thread that Windows makes. On other systems nothing of this is there:
// run_service() returns at once.

#include <functional>
#include <optional>
#include <string>

#include "windows-service/control.hpp"
#include "windows-service/event_log.hpp"
#include "windows-service/status.hpp"

namespace weir::windows_service {

// The running service, for the program in it. Its state is start_pending until status().running() is called.
class Service {
 public:
  virtual StatusReporter& status() noexcept = 0;
  virtual EventLog& events() noexcept = 0;
  virtual const std::string& name() const noexcept = 0;

  // Where controls go, on the main thread; must neither wait nor throw. While nobody takes them a control is answered
  // with "cannot accept it now", except for one that ends the service, which is kept until somebody does. Once this has
  // returned, the former taker is not called any more. `stopping` is reported before a control that ends the service is
  // handed on.
  virtual void on_control(std::function<void(Control)> take) = 0;

 protected:
  ~Service() = default;
};

// Null: this process is not a service, or its program has ended. Any thread.
Service* running_service() noexcept;

// Runs the program as a service until it ends; its result is an exit code of the command line. Nothing: the process was
// not started by the service control manager, and `program` was not called. Main thread; once.
//
// The exit code, when the program ended and Windows has been told of it. Where leaving() says `silent`, the process
// ends here instead, with that exit code: whatever the program owns must be gone when it returns.
std::optional<int> run_service(const std::function<int(Service&)>& program);

}  // namespace weir::windows_service
