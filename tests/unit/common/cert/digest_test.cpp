#include "common/cert/digest.hpp"

#include <doctest/doctest.h>
#include <string>
#include <string_view>

using namespace jl::cert;

TEST_SUITE("common.cert.digest") {
  TEST_CASE("digests of the standards' own messages, in pieces of any size [RFC 1321 A.5] [FIPS 180-2 B]") {
    struct Row {
      DigestKind kind;
      std::string_view message, digest;
    };
    for (const auto& row :
         {Row{DigestKind::md5, "", "d41d8cd98f00b204e9800998ecf8427e"},
          Row{DigestKind::md5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
          Row{DigestKind::md5, "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
              "57edf4a22be3c955ac49da2e2107b67a"},
          Row{DigestKind::sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
          Row{DigestKind::sha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}}) {
      CAPTURE(row.message);
      for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
        Digest digest(row.kind);
        for (std::size_t at = 0; at < row.message.size(); at += piece) digest.add(row.message.substr(at, piece));
        CHECK(digest.hex() == row.digest);
        CHECK(digest.hex().empty());
      }
    }
  }
}
