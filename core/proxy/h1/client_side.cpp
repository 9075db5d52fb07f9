#include "core/proxy/h1/client_side.hpp"

namespace weir::proxy::h1 {

void ClientSide::watch(TrimTimer& trim) {
  trim.watch(exchanges, TrimTimer::Worth::yes);
  trim.watch(streams, TrimTimer::Worth::yes);
  trim.watch(writers, TrimTimer::Worth::no);
}

}  // namespace weir::proxy::h1
