#include "common/control/sign.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace jl;
using namespace jl::control;

TEST_SUITE("common.control.sign") {
  TEST_CASE("a sign is 32 or 64 hex digits of any case, as its method has them [operations.md 1.1]") {
    struct Row {
      std::string method, sign;
      std::string field;  // at fault, "" = none
      std::string digits;
    };
    const std::string md5 = "900150983CD24fb0d6963f7d28e17f72", low_md5 = "900150983cd24fb0d6963f7d28e17f72";
    const std::string sha(64, 'A'), low_sha(64, 'a');
    for (const auto& row :
         {Row{"md5", md5, "", low_md5}, Row{"MD5", md5, "", low_md5}, Row{"sha256", sha, "", low_sha},
          Row{"Sha256", sha, "", low_sha}, Row{"", "", "", ""}, Row{"md5", "", "", ""}, Row{"", md5, "signMethod", ""},
          Row{"sha1", md5, "signMethod", ""}, Row{"sha1", "", "signMethod", ""}, Row{"md5", sha, "sign", ""},
          Row{"sha256", md5, "sign", ""}, Row{"md5", md5.substr(1), "sign", ""}, Row{"md5", md5 + "0", "sign", ""},
          Row{"md5", std::string(32, 'g'), "sign", ""}, Row{"md5", " " + md5.substr(1), "sign", ""},
          Row{"md5", std::string(32, '\0'), "sign", ""}}) {
      CAPTURE(row.method);
      CAPTURE(row.sign);
      const auto got = read_sign(row.method, row.sign);
      REQUIRE(got.has_value() == row.field.empty());
      if (!got) {
        CHECK(got.error().code == Errc::invalid);
        CHECK(got.error().field == row.field);
        continue;
      }
      CHECK(got->has_value() == !row.digits.empty());
      if (*got) CHECK((*got)->digits == row.digits);
    }
  }

  TEST_CASE("a mismatch says what the file has and what was given, also to scripts") {
    const Error error = sign_mismatch({SignMethod::md5, "def"}, "abc");
    CHECK(error.code == Errc::sign_mismatch);
    CHECK(info(error.code).exit_code == 5);
    CHECK(error.message == "the file's md5 is abc, not def as given");
    CHECK(error.members == std::vector<std::pair<std::string, std::string>>{{"expected", "def"}, {"actual", "abc"}});
  }
}
