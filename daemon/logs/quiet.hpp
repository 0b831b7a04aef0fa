#pragma once
// Keeps what this thread logs out of the store for as long as it lives: failures of the store itself go to stderr only.
namespace jl::logs {

class Quiet {
 public:
  Quiet();
  ~Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  /// Whether the calling thread has one.
  [[nodiscard]] static bool is_active();
};

}  // namespace jl::logs
