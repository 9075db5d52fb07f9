#pragma once
// Child processes as the system makes them, for backends. Owns nothing but what it opens into a ChildProcess and its
// pipes. The thread of the handle. Safe beside other threads: no code of ours runs between fork and exec.

#include "core/base/error.hpp"
#include "core/reactor/child.hpp"

namespace weir::platform {

// As Backend::spawn. ChildProcess::native is what a backend waits on: a pidfd where there are such, else the process's
// number; on Windows the process's handle.
Error spawn(ChildProcess& child, const SpawnSpec& spec) noexcept;

// As Backend::kill_tree.
void kill_tree(ChildProcess& child) noexcept;

}  // namespace weir::platform
