// Password-based decryption: PBES2 and the PKCS#12 algorithms by OpenSSL, RC2 of old stores by its low-level functions.
#define OPENSSL_SUPPRESS_DEPRECATED  // RC2 has no other form outside the legacy provider, a module that may be missing
#include "common/cert/openssl.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/rc2.h>
#include <array>
#include <optional>

namespace jl::cert {
namespace {

constexpr std::string_view kConvert =
    "convert it: openssl pkcs12 -legacy -in OLD -nodes -out all.pem && "
    "openssl pkcs12 -export -in all.pem -out NEW";

template <class T, auto Free>
Owned<T, Free> unpack(const ASN1_ITEM* item, const ASN1_TYPE* parameter) {
  return Owned<T, Free>(parameter == nullptr ? nullptr : static_cast<T*>(ASN1_TYPE_unpack_sequence(item, parameter)));
}

using OwnedPbe1 = Owned<PBEPARAM, PBEPARAM_free>;

OwnedPbe1 pbe1_of(const X509_ALGOR& algorithm) {
  return unpack<PBEPARAM, PBEPARAM_free>(ASN1_ITEM_rptr(PBEPARAM), algorithm.parameter);
}

long scrypt_work(const ASN1_TYPE* parameter) {
  const auto scrypt = unpack<SCRYPT_PARAMS, SCRYPT_PARAMS_free>(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
  if (!scrypt) return 0;
  long work = 1;
  for (const auto* factor : {scrypt->costParameter, scrypt->blockSize, scrypt->parallelizationParameter}) {
    const long value = ASN1_INTEGER_get(factor);
    if (value <= 0 || value > WorkBudget::kMaxIterations) return WorkBudget::kMaxIterations + 1;
    work *= value;
    if (work > WorkBudget::kMaxIterations) return work;
  }
  return work;
}

// How often the key derivation iterates; 0 when the parameters cannot be read.
long iterations_of(const X509_ALGOR& algorithm) {
  if (OBJ_obj2nid(algorithm.algorithm) != NID_pbes2) {
    const auto parameters = pbe1_of(algorithm);
    return parameters ? ASN1_INTEGER_get(parameters->iter) : 0;
  }
  const auto both = unpack<PBE2PARAM, PBE2PARAM_free>(ASN1_ITEM_rptr(PBE2PARAM), algorithm.parameter);
  if (!both || both->keyfunc == nullptr) return 0;
  if (OBJ_obj2nid(both->keyfunc->algorithm) == NID_id_scrypt) return scrypt_work(both->keyfunc->parameter);
  const auto derive = unpack<PBKDF2PARAM, PBKDF2PARAM_free>(ASN1_ITEM_rptr(PBKDF2PARAM), both->keyfunc->parameter);
  return derive ? ASN1_INTEGER_get(derive->iter) : 0;
}

Error wrong_password(const Secret& password) {
  return password.empty() ? Error{Errc::invalid, "is encrypted and no password was given"}
                          : Error{Errc::invalid, "cannot be decrypted: the password is wrong, or the data is damaged"};
}

Error unsupported(const X509_ALGOR& algorithm) {
  char name[80] = "";
  OBJ_obj2txt(name, sizeof name, algorithm.algorithm, 0);
  return {Errc::unsupported, fmt::format("is encrypted with {}, which is not supported", name), std::string(kConvert)};
}

// The key length in bytes of the RC2 algorithms of PKCS#12 (RFC 7292 appendix C), 0 for all others.
int rc2_key_size(const X509_ALGOR& algorithm) {
  switch (OBJ_obj2nid(algorithm.algorithm)) {
    case NID_pbe_WithSHA1And40BitRC2_CBC:
      return 5;
    case NID_pbe_WithSHA1And128BitRC2_CBC:
      return 16;
    default:
      return 0;
  }
}

// `password` null and "" are different things to PKCS#12. Empty result: the padding is wrong, or nothing was derived.
std::optional<Secret> decrypt_rc2(const X509_ALGOR& algorithm, int key_size, std::string_view in, const char* password,
                                  int password_size) {
  const auto parameters = pbe1_of(algorithm);
  if (!parameters || in.empty() || in.size() % RC2_BLOCK != 0) return std::nullopt;
  std::array<unsigned char, 16> key{};
  std::array<unsigned char, RC2_BLOCK> iv{};
  const auto derive = [&](int id, unsigned char* out, int size) {
    return PKCS12_key_gen_utf8(password, password_size, parameters->salt->data, parameters->salt->length, id,
                               static_cast<int>(ASN1_INTEGER_get(parameters->iter)), size, out, EVP_sha1()) == 1;
  };
  if (!derive(PKCS12_KEY_ID, key.data(), key_size) || !derive(PKCS12_IV_ID, iv.data(), RC2_BLOCK)) return std::nullopt;
  RC2_KEY schedule{};
  RC2_set_key(&schedule, key_size, key.data(), key_size * 8);
  std::string out(in.size(), '\0');
  RC2_cbc_encrypt(bytes_of(in), reinterpret_cast<unsigned char*>(out.data()), static_cast<long>(in.size()), &schedule,
                  iv.data(), RC2_DECRYPT);
  OPENSSL_cleanse(&schedule, sizeof schedule);
  OPENSSL_cleanse(key.data(), key.size());
  const auto padding = static_cast<std::size_t>(static_cast<unsigned char>(out.back()));
  const bool good = padding >= 1 && padding <= RC2_BLOCK &&
                    out.find_first_not_of(out.back(), out.size() - padding) == std::string::npos;
  Secret plain(std::move(out));
  if (!good) return std::nullopt;
  return Secret(plain.reveal().substr(0, plain.reveal().size() - padding));
}

// Empty: OpenSSL failed, and its error queue says why.
std::optional<Secret> decrypt_pbe(const X509_ALGOR& algorithm, std::string_view in, const char* password,
                                  int password_size) {
  unsigned char* data = nullptr;
  int size = 0;
  ERR_clear_error();
  if (PKCS12_pbe_crypt(&algorithm, password, password_size, bytes_of(in), static_cast<int>(in.size()), &data, &size,
                       0) == nullptr) {
    return std::nullopt;
  }
  Secret plain(std::string(text_of(data, static_cast<std::size_t>(size))));
  OPENSSL_clear_free(data, static_cast<std::size_t>(size));
  return plain;
}

bool failed_at_the_end() {
  while (const auto code = ERR_get_error()) {
    if (ERR_GET_LIB(code) == ERR_LIB_PKCS12 && ERR_GET_REASON(code) == PKCS12_R_PKCS12_CIPHERFINAL_ERROR) return true;
  }
  return false;
}

}  // namespace

Result<Secret> decrypt(const X509_ALGOR& algorithm, const ASN1_OCTET_STRING& data, const Secret& password,
                       WorkBudget& budget) {
  const auto in = text_of(ASN1_STRING_get0_data(&data), static_cast<std::size_t>(ASN1_STRING_length(&data)));
  const int rc2 = rc2_key_size(algorithm);
  const auto& text = password.reveal();
  // Some programs take an empty password for no password at all.
  for (const bool absent : {false, true}) {
    if (absent && !password.empty()) break;
    const long iterations = iterations_of(algorithm);
    if (iterations == 0) return unsupported(algorithm);
    if (!budget.spend(iterations)) {
      return Error{Errc::too_large,
                   fmt::format("asks for more than {} rounds of key derivation", WorkBudget::kMaxIterations)};
    }
    const char* given = absent ? nullptr : text.c_str();
    const int size = static_cast<int>(text.size());
    auto plain = rc2 != 0 ? decrypt_rc2(algorithm, rc2, in, given, size) : decrypt_pbe(algorithm, in, given, size);
    if (plain) return std::move(*plain);
    if (rc2 == 0 && !failed_at_the_end()) return unsupported(algorithm);
  }
  return wrong_password(password);
}

Result<Key> decrypt_key(const X509_SIG& sealed, const Secret& password, WorkBudget& budget) {
  const X509_ALGOR* algorithm = nullptr;
  const ASN1_OCTET_STRING* data = nullptr;
  X509_SIG_get0(&sealed, &algorithm, &data);
  JL_TRY(const Secret plain, decrypt(*algorithm, *data, password, budget));
  auto key = parse_pkcs8(plain.reveal());
  // One wrong password in 256 leaves a valid padding.
  if (!key) return wrong_password(password);
  return key;
}

}  // namespace jl::cert
