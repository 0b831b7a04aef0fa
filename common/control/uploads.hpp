#pragma once
// What files come in for, and how large each may be: POST /v1/files?purpose=WORD, and for firmware POST
// /v1/files/fetch.
#include <array>
#include <cstdint>
#include <string_view>

namespace jl::control {

inline constexpr std::string_view kUploadPath = "/v1/files";
inline constexpr std::string_view kFetchPath = "/v1/files/fetch";
inline constexpr std::string_view kBytes = "application/octet-stream";

struct UploadPurpose {
  std::string_view word;   ///< of ?purpose= and of model::Field::uploaded
  std::uint64_t max_size;  ///< bytes
  bool has_sign = false;   ///< takes ?signMethod= and ?sign=, and answers sha256 and md5
};

inline constexpr std::array kUploadPurposes{UploadPurpose{"protocol", 64u << 20u},
                                            UploadPurpose{"firmware", std::uint64_t{4} << 30u, true}};

/// The row of a word; nullptr when there is none.
[[nodiscard]] constexpr const UploadPurpose* find_upload_purpose(std::string_view word) {
  for (const UploadPurpose& purpose : kUploadPurposes) {
    if (purpose.word == word) return &purpose;
  }
  return nullptr;
}

}  // namespace jl::control
