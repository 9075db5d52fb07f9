#include "core/coro/task.hpp"

namespace weir {

[[gnu::noinline]] void detail::destroy_frame(std::coroutine_handle<> frame) noexcept { frame.destroy(); }

}  // namespace weir
