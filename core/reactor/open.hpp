#pragma once
// Opening a handle for use, in one step. The thread of the backend.

#include "core/reactor/backend.hpp"

namespace weir {

// Opens a handle and joins it to the backend. After an error the handle is closed.
inline Error open_attached(Backend& backend, Handle& handle, const OpenSpec& spec) noexcept {
  if (const Error error = backend.open(handle, spec)) return error;
  const Error error = backend.attach(handle);
  if (error) backend.close(handle);
  return error;
}

// The same for a stream that is to be connected to `address`.
inline Error open_stream(Backend& backend, Handle& handle, const Address& address) noexcept {
  OpenSpec spec;
  spec.what = OpenSpec::What::stream;
  spec.address = address;
  return open_attached(backend, handle, spec);
}

}  // namespace weir
