#pragma once
// Orphans: children that this process did not start but inherits, because it is the first process of a container (or a
// subreaper) or was started by exec in the place of a shell. No other process can reap them. Off until enabled: a
// program that embeds the library may start children by other means. Any thread.

namespace weir::platform {

// From now on children that were not started by spawn() are reaped; those that have ended already, at once. Call it
// once, before the first spawn(), when the process hears of ended children (SignalSource).
void adopt_orphans() noexcept;

// Reaps those that have ended. Call it whenever a child may have ended (Signal::child_ended). Never waits.
void reap_orphans() noexcept;

}  // namespace weir::platform
