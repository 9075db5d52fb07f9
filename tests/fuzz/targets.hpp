#pragma once
// The fuzz targets: each takes any bytes and aborts when an invariant does not hold. libFuzzer calls one of them
// through entry.cpp; replay_test.cpp calls all of them with the seed corpora. Pure, any thread.

#include <string_view>

namespace weir::fuzz {

void h1_request(std::string_view input);
void h1_response(std::string_view input);
void chunked(std::string_view input);
void body(std::string_view input);
void uri(std::string_view input);

}  // namespace weir::fuzz
