#pragma once
// Result<T>: a value or an Error. The project's one way to fail without an exception.
#include "common/base/error.hpp"

#include <boost/system/result.hpp>
#include <stdexcept>

namespace jl {

/// Thrown only by value() on a failed result, which is a bug in the caller.
struct BadResult : std::logic_error {
  explicit BadResult(const Error& e) : std::logic_error(e.message), error(e) {}
  Error error;
};

/// Found by Boost.System through ADL.
[[noreturn]] inline void throw_exception_from_error(const Error& e, const boost::source_location&) {
  throw BadResult(e);
}

template <class T>
using Result = boost::system::result<T, Error>;
using Status = Result<void>;

}  // namespace jl

#define JL_CAT_(a, b) a##b
#define JL_CAT(a, b) JL_CAT_(a, b)
/// JL_TRY(auto x, expr): declares x from the value of expr, or returns its Error. The only error macro.
#define JL_TRY(decl, ...)                                                   \
  auto JL_CAT(jl_try_, __LINE__) = (__VA_ARGS__);                           \
  if (!JL_CAT(jl_try_, __LINE__)) return JL_CAT(jl_try_, __LINE__).error(); \
  decl = std::move(*JL_CAT(jl_try_, __LINE__))
/// JL_CHECK(expr): returns the Error of a Status that failed.
#define JL_CHECK(...) \
  if (auto jl_check_status = (__VA_ARGS__); !jl_check_status) return jl_check_status.error()
