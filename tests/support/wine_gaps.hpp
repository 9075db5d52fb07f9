#pragma once
// Whether a test stands on something that wine is known to do otherwise than Windows: the names are the lines of
// tests/support/wine_gaps.txt. On every other system, and on Windows itself, there are no gaps. Any thread.

#include <string>

namespace weir {

bool under_wine();

// True: the test is over, and has said which line it names. A name without a line fails, wherever it is asked for.
bool wine_gap(const std::string& name);

}  // namespace weir
