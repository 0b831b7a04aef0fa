#include "common/control/sign.hpp"

#include "common/base/words.hpp"

#include <fmt/format.h>

namespace jl::control {
namespace {

constexpr std::size_t digits_of(SignMethod method) { return method == SignMethod::md5 ? 32 : 64; }

}  // namespace

std::string_view to_string(SignMethod method) { return method == SignMethod::md5 ? "md5" : "sha256"; }

Result<std::optional<Sign>> read_sign(std::string_view method, std::string_view sign) {
  Sign out;
  if (method.empty()) {
    if (sign.empty()) return std::optional<Sign>();
    return Error(Errc::invalid, "signMethod: is required with a sign", "it is md5 or sha256", "signMethod");
  }
  if (iequals(method, "md5")) {
    out.method = SignMethod::md5;
  } else if (!iequals(method, "sha256")) {
    return Error(Errc::invalid, "signMethod: is neither md5 nor sha256", {}, "signMethod");
  }
  if (sign.empty()) return std::optional<Sign>();
  out.digits = to_lower(sign);
  if (out.digits.size() != digits_of(out.method) ||
      out.digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Error(
        Errc::invalid,
        fmt::format("sign: must be {} hex digits, as {} has them", digits_of(out.method), to_string(out.method)),
        fmt::format("{}sum FILE", to_string(out.method)), "sign");
  }
  return std::optional(std::move(out));
}

Error sign_mismatch(const Sign& given, std::string_view actual) {
  Error out(Errc::sign_mismatch,
            fmt::format("the file's {} is {}, not {} as given", to_string(given.method), actual, given.digits),
            "the file is damaged, or the sign belongs to another one; nothing was stored", "sign");
  out.members = {{"expected", given.digits}, {"actual", std::string(actual)}};
  return out;
}

}  // namespace jl::control
