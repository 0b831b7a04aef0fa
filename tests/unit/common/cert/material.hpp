#pragma once
// Keys and certificates for tests, made when they are needed.
#include "common/base/time.hpp"
#include "common/cert/generate.hpp"
#include "common/cert/read.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <sstream>
#include <string>

namespace jl::cert::test {

inline constexpr Millis kDay = Millis{24} * 3600 * 1000;
inline constexpr Millis kNow = 1'767'268'800'000;  // 2026-01-01T12:00:00Z

inline Request request_for(std::string common_name) {
  Request request;
  request.common_name = std::move(common_name);
  request.now = kNow;
  return request;
}
inline Request ca_request(std::string common_name) {
  auto request = request_for(std::move(common_name));
  request.is_ca = true;
  return request;
}
inline Generated make(const Request& request, const Entry* issuer = nullptr) {
  auto made = generate(request, issuer);
  REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
  return std::move(*made);
}
inline Source source_of(const Generated& made) {
  Source source;
  source.key = made.key_pem.reveal();
  source.cert = made.cert_pem;
  return source;
}
inline Bundle bundle_of(const Source& source) {
  auto bundle = read(source);
  REQUIRE_MESSAGE(bundle.has_value(), (bundle ? "" : bundle.error().field + ": " + bundle.error().message));
  return std::move(*bundle);
}
inline Bundle bundle_of(const Generated& made) { return bundle_of(source_of(made)); }
inline Entry entry_of(const Generated& made) { return bundle_of(made).entries.at(0); }

/// A file of tests/data/cert.
inline std::string data_file(const std::string& name) {
  std::ifstream in(JL_SOURCE_DIR "/tests/data/cert/" + name, std::ios::binary);
  REQUIRE(in);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace jl::cert::test
