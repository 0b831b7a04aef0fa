#include "daemon/network/dtls_cookie.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace jl::network {
namespace {

int on_generate(SSL* session, unsigned char* cookie, unsigned int* size) {
  const auto* request = static_cast<const CookieRequest*>(SSL_get_app_data(session));
  if (request == nullptr) return 0;
  const DtlsCookies::Cookie made = request->cookies.make(request->peer, request->steady_now);
  static_assert(sizeof made <= DTLS1_COOKIE_LENGTH);
  std::copy(made.begin(), made.end(), cookie);
  *size = made.size();
  return 1;
}

int on_verify(SSL* session, const unsigned char* cookie, unsigned int size) {
  const auto* request = static_cast<const CookieRequest*>(SSL_get_app_data(session));
  return request != nullptr && request->cookies.check(request->peer, request->steady_now, {cookie, size}) ? 1 : 0;
}

}  // namespace

DtlsCookies::DtlsCookies() {
  if (RAND_priv_bytes(secret_.data(), static_cast<int>(secret_.size())) != 1)
    throw std::runtime_error("no randomness for DTLS cookies");
}

DtlsCookies::Cookie DtlsCookies::of_window(const PeerAddress& peer, Millis window) const {
  sockaddr_storage address{};
  const socklen_t size = peer.to_sockaddr(AF_INET6, address);
  std::array<unsigned char, sizeof window + sizeof address> text{};
  std::memcpy(text.data(), &window, sizeof window);
  std::memcpy(text.data() + sizeof window, &address, size);
  Cookie cookie{};
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), text.data(), sizeof window + size, cookie.data(),
       nullptr);
  return cookie;
}

DtlsCookies::Cookie DtlsCookies::make(const PeerAddress& peer, Millis steady_now) const {
  return of_window(peer, steady_now / kWindow);
}

bool DtlsCookies::check(const PeerAddress& peer, Millis steady_now, std::span<const unsigned char> cookie) const {
  if (cookie.size() != Cookie().size()) return false;
  const Millis window = steady_now / kWindow;
  const auto is_of = [&](Millis which) {
    return CRYPTO_memcmp(of_window(peer, which).data(), cookie.data(), cookie.size()) == 0;
  };
  return is_of(window) || is_of(window - 1);
}

void ask_for_cookies(SSL_CTX& context) {
  SSL_CTX_set_options(&context, SSL_OP_COOKIE_EXCHANGE);
  SSL_CTX_set_cookie_generate_cb(&context, &on_generate);
  SSL_CTX_set_cookie_verify_cb(&context, &on_verify);
}

void attach_cookie_request(SSL& session, CookieRequest& request) { SSL_set_app_data(&session, &request); }

}  // namespace jl::network
