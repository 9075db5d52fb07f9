#pragma once
// Child processes as the system makes them, for backends. Owns nothing but what it opens into a ChildProcess and its
// pipes. The thread of the handle. Safe beside other threads: no code of ours runs between fork and exec.

#include "core/base/error.hpp"
#include "core/platform/sockets.hpp"
#include "core/reactor/child.hpp"

namespace weir::platform {

// As Backend::spawn. ChildProcess::native is what a backend waits on: a descriptor where the system has one for
// processes (has_descriptor), else the process's number; on Windows the process's handle.
Error spawn(ChildProcess& child, const SpawnSpec& spec) noexcept;

// As Backend::kill_tree.
void kill_tree(ChildProcess& child) noexcept;

// POSIX: gives the descriptor up, so that the child is waited for by its number.
void watch_by_number(ChildProcess& child) noexcept;

// One attempt of a wait_child. The child stays a zombie, so that its number stays its own.
Attempt wait_child(Op& op) noexcept;

// What platform::close does to a child. One that has not ended, because it could not be waited for, is killed first.
void reap(ChildProcess& child) noexcept;

}  // namespace weir::platform
