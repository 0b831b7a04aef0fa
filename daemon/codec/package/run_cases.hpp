#pragma once
// Runs the test cases that a package brings along.
#include "daemon/codec/package/cases.hpp"
#include "daemon/codec/package/package.hpp"

#include <functional>

namespace jl::codec::package {

struct CaseResult {
  std::string name;
  SourcePosition position;
  std::string difference;         ///< from what is expected, or the error; "" = it passed
  std::vector<std::string> logs;  ///< what the script said: "warn: ..."
};

/// Runs each case in a session of its own, on the calling thread. The time of day is `now` in all of them. Those that
/// are left when `goes_on` says false are not run, which their difference tells.
[[nodiscard]] std::vector<CaseResult> run_cases(const std::shared_ptr<const Package>& package,
                                                const std::vector<Case>& cases, Millis now,
                                                const std::function<bool()>& goes_on = {});

}  // namespace jl::codec::package
