#pragma once
// Whether the system spreads connections over listening sockets that share an address. Any thread; owns nothing.

namespace weir::platform {

// False where SO_REUSEPORT lets sockets share an address and one of them gets everything, where it does not exist, and
// when fallbacks are forced: then one thread accepts for all.
bool balances_listeners() noexcept;

}  // namespace weir::platform
