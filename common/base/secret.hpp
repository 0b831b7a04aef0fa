#pragma once
// A text that must not be seen: it does not print, does not format, and is wiped when it goes.
#include <string>
#include <string_view>

namespace jl {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other) {
    if (this != &other) wipe(), value_ = other.value_;
    return *this;
  }
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) wipe(), value_ = std::move(other.value_), other.wipe();
    return *this;
  }
  ~Secret() { wipe(); }

  /// The text itself; the name makes every use easy to find in a review.
  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  // A volatile pointer keeps the compiler from dropping the stores to memory that is about to be freed.
  void wipe() noexcept {
    volatile char* p = value_.data();
    for (std::size_t i = 0; i < value_.size(); ++i) p[i] = 0;
    value_.clear();
  }
  std::string value_;
};

}  // namespace jl
