#pragma once
// The key in a download address: says which device of which task may fetch which firmware until when, and cannot be
// made or changed without the daemon's key. Nothing is kept about it.
#include "common/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace jl::ota {

struct Token {
  Millis expires = 0;              ///< whole seconds
  std::string task_id, device_id;  ///< both "" = of nobody: for checks from here
  bool operator==(const Token&) const = default;
};

class TokenMint {
 public:
  /// `key`: 32 bytes.
  explicit TokenMint(std::string key) : key_(std::move(key)) {}
  /// URL-safe text of at most 230 characters. Ids are at most 64 characters.
  [[nodiscard]] std::string make(const Token& token, std::string_view firmware_id) const;
  /// What a text says, if it was made for this firmware here; nothing otherwise. That it has expired is the caller's to
  /// see.
  [[nodiscard]] std::optional<Token> read(std::string_view text, std::string_view firmware_id) const;

 private:
  [[nodiscard]] std::string mac(std::string_view claims, std::string_view firmware_id) const;
  const std::string key_;
};

}  // namespace jl::ota
