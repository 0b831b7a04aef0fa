#include "daemon/device/password_hash.hpp"

#include <doctest/doctest.h>

namespace jl::device {

TEST_SUITE("device.password_hash") {
  TEST_CASE("a hash verifies its own password and no other, and shows nothing of it") {
    const std::string hash = hash_password("open sesame");
    CHECK(hash.starts_with("$scrypt$ln=14,r=8,p=1$"));
    CHECK(hash.find("sesame") == std::string::npos);
    CHECK(verify_password(hash, "open sesame"));
    CHECK_FALSE(verify_password(hash, "open sesam"));
    CHECK_FALSE(verify_password(hash, "open sesame "));
    CHECK_FALSE(verify_password(hash, ""));
  }

  TEST_CASE("two hashes of one password differ by their salt, and both verify it") {
    const std::string one = hash_password("p"), other = hash_password("p");
    CHECK(one != other);
    CHECK(verify_password(one, "p"));
    CHECK(verify_password(other, "p"));
  }

  TEST_CASE("every byte of a password counts, also NUL and what follows it") {
    const std::string hash = hash_password(std::string_view("a\0b", 3));
    CHECK(verify_password(hash, std::string_view("a\0b", 3)));
    CHECK_FALSE(verify_password(hash, std::string_view("a\0c", 3)));
    CHECK_FALSE(verify_password(hash, "a"));
  }

  TEST_CASE("the empty password can be hashed, and is verified by itself only") {
    const std::string hash = hash_password("");
    CHECK(verify_password(hash, ""));
    CHECK_FALSE(verify_password(hash, "x"));
  }

  TEST_CASE("a hash that another scrypt made of the same parameters is taken [RFC 7914]") {
    // hashlib.scrypt(b"pleaseletmein", salt=b"SodiumChloride01", n=2**14, r=8, p=1, dklen=32)
    const std::string hash =
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGUwMQ==$xipQFOL63QbCbyRp00xCVIkYfBL31PasuUNZdCFsxGM=";
    CHECK(is_password_hash(hash));
    CHECK(verify_password(hash, "pleaseletmein"));
    CHECK_FALSE(verify_password(hash, "pleaseletmeout"));
  }

  TEST_CASE("what is no hash of this form verifies nothing") {
    const std::string hash = hash_password("p");
    REQUIRE(is_password_hash(hash));
    std::string other_cost = hash, no_separator = hash, no_base64 = hash;
    other_cost.replace(other_cost.find("ln=14"), 5, "ln=15");
    no_separator[no_separator.rfind('$')] = 'A';
    no_base64[no_base64.size() - 10] = '*';
    for (const std::string& text :
         {std::string(), std::string("p"), std::string("$scrypt$ln=14,r=8,p=1$"), hash.substr(0, hash.size() - 1),
          hash + "A", " " + hash, other_cost, no_separator, no_base64}) {
      CAPTURE(text);
      CHECK_FALSE(is_password_hash(text));
      CHECK_FALSE(verify_password(text, "p"));
    }
  }

  TEST_CASE("a hash with another salt, or another last byte, does not verify the password") {
    std::string salt = hash_password("p"), tail = salt;
    char& first_of_salt = salt[std::string_view("$scrypt$ln=14,r=8,p=1$").size()];
    first_of_salt = first_of_salt == 'A' ? 'B' : 'A';
    char& in_tail = tail[tail.size() - 4];
    in_tail = in_tail == 'A' ? 'B' : 'A';
    CHECK_FALSE(verify_password(salt, "p"));
    CHECK_FALSE(verify_password(tail, "p"));
  }
}

}  // namespace jl::device
