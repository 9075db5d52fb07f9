#pragma once
// The lifecycle of a process that the Windows service control manager started. Controls of services become requests,
// notices become states of the service with checkpoints and wait hints. Portable: where there is no such manager there
// is no such lifecycle. The control thread's; controls arrive on the main thread.

#include <memory>

#include "daemon/lifecycle.hpp"

namespace weir::windows_service {
class Service;
}

namespace weir::daemon {

// Null: the process is not a running service. The service must outlive it, which it does within the program that
// run_service() calls.
std::unique_ptr<Lifecycle> windows_service_lifecycle(RequestSink& requests);

// The same for that service, for tests.
std::unique_ptr<Lifecycle> lifecycle_of(windows_service::Service& service, RequestSink& requests);

}  // namespace weir::daemon
