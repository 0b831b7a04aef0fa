#include "tests/bench/ingest.hpp"
#include "tests/bench/property_report.hpp"

#include <openssl/evp.h>

#include <bit>
#include <memory>

namespace jl::bench {
namespace {

constexpr std::size_t kVariants = 64;
constexpr char kOnline = 1, kReport = 3, kReadProperty = 4;
constexpr std::size_t kNumberInHeader = 9;  // behind the type and the timestamp

template <class Unsigned>
void append_number(std::string& out, Unsigned value) {
  for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8)
    out += static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xffU);
}

void append_text(std::string& out, std::string_view text) {
  append_number(out, static_cast<std::uint16_t>(text.size()));
  out += text;
}

// Timestamp 0: the time of receipt.
std::string header(char type, std::uint16_t number, std::string_view device) {
  std::string out(1, type);
  append_number(out, std::uint64_t{0});
  append_number(out, number);
  append_text(out, device);
  return out;
}

std::string framed(const std::string& message) {
  std::string out;
  append_number(out, static_cast<std::uint32_t>(message.size()));
  return out + message;
}

void append_double(std::string& out, std::string_view name, double value) {
  append_text(out, name);
  out += '\x0a';
  append_number(out, std::bit_cast<std::uint64_t>(value));
}

// The properties that the JSON reports have, too.
std::string binary_report(const std::string& device, std::size_t n) {
  std::string out = header(kReport, 0, device);
  append_number(out, std::uint16_t{5});
  append_double(out, "temp", 10.25 + static_cast<double>(n % 30));
  append_double(out, "hum", 20.5 + static_cast<double>(n % 60));
  append_double(out, "volt", 3.0 + static_cast<double>(n % 100) / 100);
  append_text(out, "rssi");
  out += '\x04';
  append_number(out, 0xffffffffU - static_cast<std::uint32_t>(40 + n % 50));
  append_text(out, "state");
  out += '\x0b';
  append_text(out, "running");
  return out;
}

std::string encrypted(std::string_view plain, const std::string& key) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  std::vector<unsigned char> out(plain.size() + 16);
  const std::vector<unsigned char> in(plain.begin(), plain.end()), secret(key.begin(), key.end());
  int length = 0, rest = 0;
  if (secret.size() != 16 || !context ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_128_ecb(), nullptr, secret.data(), nullptr) != 1 ||
      EVP_EncryptUpdate(context.get(), out.data(), &length, in.data(), static_cast<int>(in.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), out.data() + length, &rest) != 1)
    give_up("cannot encrypt; the key must have 16 characters");
  return {out.begin(), out.begin() + length + rest};
}

// A CoAP option (RFC 7252 §3.1) with a delta and a length below 269.
void append_option(std::string& out, unsigned delta, std::string_view value) {
  const bool longer = value.size() >= 13;
  out += static_cast<char>((delta << 4U) | (longer ? 13U : value.size()));
  if (longer) out += static_cast<char>(value.size() - 13);
  out += value;
}

}  // namespace

Messages coap_messages(const IngestOptions& options, const std::string& device) {
  // Version 1, confirmable, a token of two bytes; POST is 0.02, PUT 0.03; the message id comes later.
  std::string head{'\x42', options.put ? '\x03' : '\x02', '\0', '\0', 'j', 'l'};
  append_option(head, 11, options.product);  // Uri-Path
  for (const std::string_view segment :
       {std::string_view(device), std::string_view("properties"), std::string_view("report")})
    append_option(head, 0, segment);
  head += '\xff';
  Messages out{{}, 2};
  for (std::size_t i = 0; i < kVariants; ++i) out.variants.push_back(head + encrypted(property_report(i), options.key));
  return out;
}

Messages udp_messages(const IngestOptions& options, const std::string& device) {
  std::string head(1, '\0');
  append_text(head, options.key);
  Messages out{{}, head.size() + kNumberInHeader};
  for (std::size_t i = 0; i < kVariants; ++i) out.variants.push_back(head + binary_report(device, i));
  return out;
}

Messages tcp_messages(const std::string& device) {
  Messages out{{}, 4 + kNumberInHeader};
  for (std::size_t i = 0; i < kVariants; ++i) out.variants.push_back(framed(binary_report(device, i)));
  return out;
}

std::string tcp_login(const IngestOptions& options, const std::string& device, std::uint16_t number) {
  std::string message = header(kOnline, number, device);
  append_text(message, options.key);
  return framed(message);
}

std::string tcp_fence(const std::string& device, std::uint16_t number) {
  std::string message = header(kReadProperty, number, device);
  append_number(message, std::uint16_t{0});
  return framed(message);
}

}  // namespace jl::bench
