#include "common/base/secret.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <ostream>
#include <string>
#include <utility>

using namespace jl;

namespace {
template <class T>
concept Prints = requires(std::ostream& out, const T& value) {
  out << value;
};
template <class T>
concept ReadsAsText = std::is_convertible_v<T, std::string> || std::is_convertible_v<T, std::string_view>;
}  // namespace

static_assert(!Prints<Secret>);
static_assert(!ReadsAsText<Secret>);
static_assert(!fmt::is_formattable<Secret>::value);

TEST_SUITE("common.base") {
  TEST_CASE("a secret shows its text only when asked to") {
    const Secret secret(std::string("s3cret"));
    CHECK(secret.reveal() == "s3cret");
    CHECK_FALSE(secret.empty());
    CHECK(Secret().empty());
    const Secret copy = secret;
    CHECK((copy == secret));
    CHECK_FALSE((copy == Secret(std::string("other"))));
  }

  TEST_CASE("moving a secret leaves nothing behind") {
    Secret from(std::string("short"));
    Secret to = std::move(from);
    CHECK(to.reveal() == "short");
    CHECK(from.empty());  // NOLINT(bugprone-use-after-move)
    Secret again;
    again = std::move(to);
    CHECK(again.reveal() == "short");
    CHECK(to.empty());  // NOLINT(bugprone-use-after-move)
  }

  TEST_CASE("a secret that goes wipes its memory") {
    // Of a text that fits into the string object itself, so that the bytes can still be looked at.
    alignas(Secret) unsigned char place[sizeof(Secret)] = {};
    auto* secret = new (place) Secret(std::string("hunter2"));
    const std::string_view bytes(reinterpret_cast<const char*>(place), sizeof place);
    REQUIRE(bytes.find("hunter2") != std::string_view::npos);
    secret->~Secret();
    CHECK(std::string_view(reinterpret_cast<const char*>(place), sizeof place).find("unter2") ==
          std::string_view::npos);
  }

  TEST_CASE("a secret that is assigned to forgets its old text and survives itself") {
    Secret secret(std::string("old"));
    secret = Secret(std::string("new"));
    CHECK(secret.reveal() == "new");
    const Secret& same = secret;
    secret = same;
    CHECK(secret.reveal() == "new");
  }
}
