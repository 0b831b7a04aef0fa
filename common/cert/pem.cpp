#include "common/cert/pem.hpp"

#include "common/cert/read.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <algorithm>
#include <cstring>

namespace jl::cert {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kDashes = "-----";
constexpr std::size_t kMaxLabel = 64;
constexpr std::string_view kConvert =
    "convert it: openssl pkcs8 -topk8 -provider legacy -provider default -in OLD -out NEW";

std::size_t lines_in(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  const auto first = line.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlank) - first + 1);
}

// Takes the header lines off the front of `body`: RFC 1421 section 4.4, up to an empty line.
std::string take_headers(std::string_view& body) {
  if (body.find(':') == std::string_view::npos) return {};
  std::string headers;
  auto rest = body;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() && !headers.empty()) break;
    if (!line.empty()) headers.append(line).push_back('\n');
  }
  body = rest;
  return headers;
}

// OpenSSL asks here instead of on the terminal.
int give_password(char* out, int size, int, void* secret) {
  const auto& password = static_cast<const Secret*>(secret)->reveal();
  if (password.empty() || size < 0 || password.size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(out, password.data(), password.size());
  return static_cast<int>(password.size());
}

Error wrong_passphrase() {
  return {Errc::invalid, "cannot be decrypted: the passphrase is wrong, or the file is damaged"};
}

Error missing_passphrase() {
  return {Errc::invalid, "is encrypted and no passphrase was given",
          "give its passphrase, or take it off: openssl pkey -in OLD -out NEW"};
}

// The encryption of RFC 1421 that OpenSSL wrote before PKCS#8.
Result<Secret> decrypt_traditional(const PemBlock& block, const Secret& password) {
  if (password.empty()) return missing_passphrase();
  auto headers = block.headers;
  EVP_CIPHER_INFO cipher{};
  if (PEM_get_EVP_CIPHER_INFO(headers.data(), &cipher) != 1 || cipher.cipher == nullptr) {
    return Error{Errc::unsupported, "is encrypted with a cipher that is not supported", std::string(kConvert)};
  }
  std::string data = block.data.reveal();
  long size = static_cast<long>(data.size());
  Secret asked = password;
  const bool good =
      PEM_do_header(&cipher, reinterpret_cast<unsigned char*>(data.data()), &size, give_password, &asked) == 1;
  Secret plain(std::move(data));
  if (!good) return wrong_passphrase();
  return Secret(plain.reveal().substr(0, static_cast<std::size_t>(size)));
}

Result<Key> traditional_key(const PemBlock& block, int type, const Secret& password) {
  Secret plain = block.data;
  if (!block.headers.empty()) {
    JL_TRY(plain, decrypt_traditional(block, password));
  }
  const auto* at = bytes_of(plain.reveal());
  Key key(d2i_PrivateKey(type, nullptr, &at, static_cast<long>(plain.reveal().size())), EVP_PKEY_free);
  if (key) return key;
  if (!block.headers.empty()) return wrong_passphrase();
  return Error{Errc::invalid, "is damaged"};
}

Result<Key> encrypted_key(const PemBlock& block, const Secret& password, WorkBudget& budget) {
  if (password.empty()) return missing_passphrase();
  const auto& der = block.data.reveal();
  const auto* at = bytes_of(der);
  const OwnedSealedKey sealed(d2i_X509_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!sealed) return Error{Errc::invalid, "is damaged"};
  auto key = decrypt_key(*sealed, password, budget);
  if (key) return key;
  if (key.error().code == Errc::invalid) return wrong_passphrase();
  auto error = key.error();
  if (error.code == Errc::unsupported) error.hint = kConvert;
  return error;
}

}  // namespace

Result<std::vector<PemBlock>> split_pem(std::string_view text) {
  std::vector<PemBlock> blocks;
  std::size_t line = 1;
  std::size_t counted = 0;
  for (auto at = text.find(kBegin); at != std::string_view::npos; at = text.find(kBegin, at)) {
    line += lines_in(text.substr(counted, at - counted));
    counted = at;
    const auto where = fmt::format("the block that begins on line {}", line);
    const auto label_at = at + kBegin.size();
    const auto label_end = text.substr(0, std::min(text.size(), label_at + kMaxLabel)).find(kDashes, label_at);
    if (label_end == std::string_view::npos) return Error{Errc::invalid, where + " has no \"-----\" after its name"};
    const std::string label(text.substr(label_at, label_end - label_at));
    const auto body_at = label_end + kDashes.size();
    const auto end_mark = fmt::format("-----END {}-----", label);
    const auto body_end = text.find(kDashes, body_at);
    if (body_end == std::string_view::npos || text.substr(body_end, end_mark.size()) != end_mark) {
      return Error{Errc::invalid, fmt::format("{} has no \"{}\": the text is cut", where, shown(end_mark))};
    }
    if (blocks.size() >= 4 * kMaxCertificates) return Error{Errc::too_large, "too many PEM blocks"};
    auto body = text.substr(body_at, body_end - body_at);
    auto headers = take_headers(body);
    auto data = decode_base64(body);
    if (!data) return Error{Errc::invalid, where + " is damaged: " + data.error().message};
    blocks.push_back({label, std::move(headers), Secret(std::move(*data)), line});
    at = body_end + end_mark.size();
  }
  return blocks;
}

bool is_key(const PemBlock& block) { return block.label.ends_with("PRIVATE KEY"); }

bool is_certificate(const PemBlock& block) {
  return block.label == "CERTIFICATE" || block.label == "X509 CERTIFICATE" || block.label == "TRUSTED CERTIFICATE";
}

Result<Key> key_of(const PemBlock& block, const Secret& password, WorkBudget& budget) {
  if (block.label == "PRIVATE KEY") return parse_pkcs8(block.data.reveal());
  if (block.label == "ENCRYPTED PRIVATE KEY") return encrypted_key(block, password, budget);
  if (block.label == "RSA PRIVATE KEY") return traditional_key(block, EVP_PKEY_RSA, password);
  if (block.label == "EC PRIVATE KEY") return traditional_key(block, EVP_PKEY_EC, password);
  const auto hint = block.label == "OPENSSH PRIVATE KEY" ? "convert it: ssh-keygen -p -m PEM -f COPY-OF-THE-KEY"
                                                         : "convert it: openssl pkcs8 -topk8 -in OLD -out NEW";
  return Error{Errc::unsupported, fmt::format("is a \"{}\", which TLS cannot use", shown(block.label)), hint};
}

Result<std::vector<Certificate>> certificates_of(const std::vector<PemBlock>& blocks) {
  std::vector<Certificate> certificates;
  for (const auto& block : blocks) {
    if (!is_certificate(block)) continue;
    if (certificates.size() >= kMaxCertificates) {
      return Error{Errc::too_large, fmt::format("more than {} certificates", kMaxCertificates)};
    }
    const auto& der = block.data.reveal();
    auto certificate = parse_certificate(der);
    if (!certificate && block.label == "TRUSTED CERTIFICATE") {
      const auto* at = bytes_of(der);
      certificate = Certificate(d2i_X509_AUX(nullptr, &at, static_cast<long>(der.size())), X509_free);
    }
    if (!certificate) {
      return Error{Errc::invalid, fmt::format("the certificate that begins on line {} is damaged", block.line)};
    }
    certificates.push_back(std::move(certificate));
  }
  return certificates;
}

std::string found_in(const std::vector<PemBlock>& blocks) {
  constexpr std::size_t kMost = 4;
  std::string found;
  for (std::size_t i = 0; i < std::min(blocks.size(), kMost); ++i) {
    found += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", shown(blocks[i].label));
  }
  return blocks.empty() ? "no PEM block" : blocks.size() > kMost ? found + ", ..." : found;
}

}  // namespace jl::cert
