#include "daemon/ota/token.hpp"

#include <doctest/doctest.h>

using jl::ota::Token;
using jl::ota::TokenMint;

namespace {

const TokenMint& mint() {
  static const TokenMint made(std::string(32, 'k'));
  return made;
}
const Token kToken{1'700'000'000'000, "roll-1", "dev.7"};

}  // namespace

TEST_CASE("a token says what it was made of, to the second") {
  const auto read = mint().read(mint().make({1'700'000'000'999, "roll-1", "dev.7"}, "fw"), "fw");
  REQUIRE(read);
  CHECK(*read == kToken);
}

TEST_CASE("a token stands in a query as it is, and is short enough for small devices (RFC 4648 §5)") {
  const std::string text = mint().make({1, std::string(64, 't'), std::string(64, 'd')}, std::string(64, 'f'));
  CHECK(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
        std::string::npos);
  CHECK(text.size() <= 230);
  const auto read = mint().read(text, std::string(64, 'f'));
  REQUIRE(read);
  CHECK(read->task_id == std::string(64, 't'));
  CHECK(read->device_id == std::string(64, 'd'));
}

TEST_CASE("a token is for its firmware only, and for the daemon that made it") {
  const std::string text = mint().make(kToken, "fw");
  CHECK_FALSE(mint().read(text, "fw2"));
  CHECK_FALSE(mint().read(text, ""));
  CHECK_FALSE(TokenMint(std::string(32, 'x')).read(text, "fw"));
}

TEST_CASE("no changed, cut or longer text is a token") {
  const std::string text = mint().make(kToken, "fw");
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CAPTURE(i);
    const auto read = mint().read(changed, "fw");
    // The last character may hold bits that stand for nothing; then it is another way to write the same, and refused.
    CHECK_FALSE(read);
    CHECK_FALSE(mint().read(text.substr(0, i), "fw"));
  }
  CHECK_FALSE(mint().read(text + "A", "fw"));
  CHECK_FALSE(mint().read(text + "=", "fw"));
  CHECK_FALSE(mint().read(std::string(100'000, 'A'), "fw"));
  CHECK_FALSE(mint().read("%41%41", "fw"));
}

TEST_CASE("where one id ends and the next begins cannot be moved") {
  const std::string a = mint().make({1, "ab", "c"}, "fw"), b = mint().make({1, "a", "bc"}, "fw");
  CHECK(a != b);
  CHECK(mint().read(a, "fw")->task_id == "ab");
  CHECK(mint().read(b, "fw")->task_id == "a");
}

TEST_CASE("a token of nobody has neither task nor device") {
  const auto read = mint().read(mint().make({5000, "", ""}, "fw"), "fw");
  REQUIRE(read);
  CHECK(read->task_id.empty());
  CHECK(read->device_id.empty());
}
