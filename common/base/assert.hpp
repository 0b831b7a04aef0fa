#pragma once
// JL_ASSERT: a claim about our own logic, checked in every build. Never for input from network, file or user.
namespace jl {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
}
#define JL_ASSERT(expression) \
  (static_cast<bool>(expression) ? static_cast<void>(0) : ::jl::assertion_failed(#expression, __FILE__, __LINE__))
