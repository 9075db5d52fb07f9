#pragma once
// The one place that knows which Catch2 is installed: v2 as Debian 12 ships it, or v3.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
