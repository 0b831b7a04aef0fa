#include "common/cert/signature.hpp"

#include "common/base/base64.hpp"
#include "common/base/hex.hpp"
#include "tests/unit/common/cert/material.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <unistd.h>
#include <cstdlib>
#include <filesystem>

using namespace jl;
using namespace jl::cert;
using namespace jl::cert::test;

namespace {

// RFC 8032 7.1: TEST 1, TEST 2, TEST 3 and TEST SHA(abc), whose message is the SHA-512 of "abc".
struct Vector {
  const char *key, *message, *signature;
};
constexpr Vector kVectors[] = {
    {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246"
     "55141438e7a100b"},
    {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
     "00d291612bb0c00"},
    {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc"
     "027beceea1ec40a"},
    {"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2"
     "a"
     "9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad"
     "9bef1177331a704"}};

// Made by openssl req -x509 and openssl pkeyutl -sign -rawin over "firmware 1.2.0\n".
constexpr std::string_view kSignerPem = R"(-----BEGIN CERTIFICATE-----
MIIBSjCB/aADAgECAhQf2VSXVWGvwqNXp0PcPskQSW4l0zAFBgMrZXAwGjEYMBYG
A1UEAwwPRmlybXdhcmUgU2lnbmVyMCAXDTI2MTEyMzIxMjQ1OVoYDzIxMjYxMDMw
MjEyNDU5WjAaMRgwFgYDVQQDDA9GaXJtd2FyZSBTaWduZXIwKjAFBgMrZXADIQCl
e4qzs/tWhsUI6SktzqLx1benD/vDNbFX2kx3odUOFKNTMFEwHQYDVR0OBBYEFHK/
3WbkWz+AjN3Rvg1WwR5n9b3YMB8GA1UdIwQYMBaAFHK/3WbkWz+AjN3Rvg1WwR5n
9b3YMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EA89r7XA1x/X73b1/OrEQmrNh5
/EDBvbt7kwftdc0vYoeawePCPT/u+9zlc4tw7CHmV/qy4qzBX6cwbZVebX8sBQ==
-----END CERTIFICATE-----
)";
constexpr std::string_view kSigned = "firmware 1.2.0\n";
constexpr std::string_view kSignature =
    "NLBoLjJ+oCa/303yWQ0O/sknB0dzPY3KDJOAxZuFHCOOJ0kZ+KLZ2zp72q2qWpBLNh8XLtRUdj3CsV+Su7whAg==";

std::string bytes(const char* hex) {
  const auto out = from_hex(hex);
  REQUIRE(out.has_value());
  return *out;
}

// A bundle whose one certificate has this public key; nobody looks at who signed it.
Bundle bundle_with(const std::string& public_key) {
  Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                      reinterpret_cast<const unsigned char*>(public_key.data()), public_key.size()),
          EVP_PKEY_free);
  REQUIRE(key);
  Certificate certificate(X509_new(), X509_free);
  REQUIRE(X509_set_pubkey(certificate.get(), key.get()) == 1);
  Bundle out;
  out.entries.push_back({.alias = {}, .key = nullptr, .chain = {certificate}});
  return out;
}

Bundle signer() {
  auto out = read_file(kSignerPem, Secret());
  REQUIRE(out.has_value());
  return std::move(*out);
}

Errc code_of(const Status& status) { return status ? Errc::count_ : status.error().code; }

class TempFile {
 public:
  explicit TempFile(std::string_view content) {
    std::string pattern = (std::filesystem::temp_directory_path() / "jl-signed-XXXXXX").string();
    const int fd = ::mkstemp(pattern.data());
    REQUIRE(fd >= 0);
    path = pattern;
    CHECK(::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    ::close(fd);
  }
  ~TempFile() { std::filesystem::remove(path); }
  TempFile(const TempFile&) = delete;
  std::string path;
};

}  // namespace

TEST_SUITE("common.cert.signature") {
  TEST_CASE("the signatures of the standard verify, and nothing near them [RFC 8032 7.1]") {
    for (const Vector& row : kVectors) {
      CAPTURE(row.key);
      const Bundle bundle = bundle_with(bytes(row.key));
      const std::string message = bytes(row.message), signature = bytes(row.signature);
      CHECK(verify_signature(message, signature, bundle).has_value());
      CHECK(verify_file_signature(TempFile(message).path, signature, bundle).has_value());
      CHECK(code_of(verify_signature(message + "x", signature, bundle)) == Errc::invalid);
      for (const std::size_t at : {std::size_t{0}, std::size_t{31}, std::size_t{32}, std::size_t{63}}) {
        std::string bent = signature;
        bent[at] = static_cast<char>(bent[at] ^ 1);
        CHECK(code_of(verify_signature(message, bent, bundle)) == Errc::invalid);
      }
      CHECK(code_of(verify_signature(message, signature.substr(1), bundle)) == Errc::invalid);
      CHECK(code_of(verify_signature(message, signature + "x", bundle)) == Errc::invalid);
      CHECK(code_of(verify_signature(message, "", bundle)) == Errc::invalid);
    }
  }

  TEST_CASE("a signature with its second half above the group's order is refused [RFC 8032 8.4]") {
    // S of TEST 1 plus L, which verifies where nobody looks: signatures could be made over into others.
    const Bundle bundle = bundle_with(bytes(kVectors[0].key));
    std::string signature = bytes(kVectors[0].signature);
    const std::string order = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      carry +=
          static_cast<unsigned char>(signature[32 + i]) + static_cast<unsigned>(static_cast<unsigned char>(order[i]));
      signature[32 + i] = static_cast<char>(carry & 255u);
      carry >>= 8u;
    }
    CHECK(code_of(verify_signature("", signature, bundle)) == Errc::invalid);
  }

  TEST_CASE("what openssl pkeyutl signed verifies against the certificate that openssl made, in every form") {
    const TempFile file(kSigned);
    const std::string raw = from_base64(kSignature).value();
    const std::string folded =
        "  " + std::string(kSignature.substr(0, 44)) + "\r\n" + std::string(kSignature.substr(44)) + "\n";
    for (const std::string& given : {raw, std::string(kSignature), std::string(kSignature.substr(0, 86)), folded}) {
      CAPTURE(given);
      const auto signature = read_signature(given);
      REQUIRE(signature.has_value());
      CHECK(*signature == raw);
      CHECK(verify_file_signature(file.path, *signature, signer()).has_value());
      CHECK(code_of(verify_signature("firmware 1.2.1\n", *signature, signer())) == Errc::invalid);
    }
  }

  TEST_CASE("what is no signature is said to be none") {
    const std::string raw = from_base64(kSignature).value();
    for (const std::string& given : {std::string(), raw.substr(1), raw + "x", std::string(kSignature) + "AA",
                                     std::string(kSignature.substr(0, 80)),
                                     std::string(2000, ' ') + std::string(kSignature), std::string(88, '!')}) {
      CAPTURE(given);
      const auto got = read_signature(given);
      REQUIRE(got.has_error());
      CHECK(got.error().code == Errc::invalid);
      CHECK(got.error().field == "signature");
    }
  }

  TEST_CASE("keys of other types are named; any one of several certificates will do") {
    const std::string signature = from_base64(kSignature).value();
    const Bundle other = bundle_of(make(request_for("gateway.example")));
    const Status refused = verify_signature(kSigned, signature, other);
    CHECK(code_of(refused) == Errc::unsupported);
    CHECK(refused.error().message == "the key of certificate \"CN=gateway.example\" is EC P-256, not Ed25519");
    Bundle both = other;
    const Bundle own = signer();
    for (const auto& certificate : own.trust)
      both.entries.push_back({.alias = {}, .key = nullptr, .chain = {certificate}});
    for (const auto& entry : own.entries) both.entries.push_back(entry);
    CHECK(verify_signature(kSigned, signature, both).has_value());
    // Own certificates come before those that are only trusted.
    Bundle trusting = other;
    trusting.trust = own.trust;
    CHECK(code_of(verify_signature(kSigned, signature, trusting)) == Errc::unsupported);
    CHECK(code_of(verify_signature(kSigned, signature, Bundle())) == Errc::invalid);
  }

  TEST_CASE("a file that cannot be read is an error of its own") {
    const std::string signature = from_base64(kSignature).value();
    CHECK(code_of(verify_file_signature("/nonexistent/fw.bin", signature, signer())) == Errc::storage);
    CHECK(code_of(verify_file_signature("/tmp", signature, signer())) == Errc::storage);
    CHECK(code_of(verify_file_signature("/dev/null", signature, signer())) == Errc::storage);
  }
}
