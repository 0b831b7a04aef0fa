#pragma once
// What devices report in every run.
#include <cstdint>
#include <string_view>

namespace jl::bench {

/// One of many reports of 140 bytes, made beforehand so that making them is no part of a run.
[[nodiscard]] std::string_view property_report(std::uint64_t n);

}  // namespace jl::bench
