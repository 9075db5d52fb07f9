#pragma once
// A switch for tests and for diagnosis: with WEIR_FORCE_FALLBACKS set in the environment (to anything but "" or "0"),
// what only newer systems have is left unused, so that the paths for older ones are run too. Owns nothing.

namespace weir::platform {

bool fallbacks_forced() noexcept;  // reads the environment each time: once per backend, before threads change it

}  // namespace weir::platform
