#include "daemon/network/curl_support.hpp"

#include <fmt/format.h>
#include <openssl/x509.h>
#include <system_error>

namespace jl::network {
namespace {

constexpr std::size_t kShownText = 200;  // bytes

}  // namespace

bool curl_is_ready() {
  static const bool once = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return once;
}

std::string shown_words(std::string_view text) {
  std::string out(text.substr(0, kShownText));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  const bool is_word = out.size() > 1 && out[1] >= 'a' && out[1] <= 'z';
  if (is_word && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] - 'A' + 'a');
  while (out.ends_with('.') || out.ends_with(' ')) out.pop_back();
  if (text.size() > kShownText) out += "...";
  return out;
}

std::string part_of(CURLU* url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || !text) return {};
  const std::unique_ptr<char, CurlFree<curl_free>> owner(text);
  return text;
}

std::string place_of(const std::string& url) {
  const CurlUrl parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "the server";
  return fmt::format("\"{}:{}\"", shown_words(part_of(parsed.get(), CURLUPART_HOST)),
                     part_of(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

std::string connect_reason(CURL* easy, std::string_view words) {
  long error = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
  return error != 0 ? std::generic_category().message(static_cast<int>(error)) : shown_words(words);
}

std::string certificate_reason(CURL* easy, std::string_view words) {
  long verified = X509_V_OK;
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verified);
  return shown_words(verified != X509_V_OK ? X509_verify_cert_error_string(verified) : words);
}

}  // namespace jl::network
