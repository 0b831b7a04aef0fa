#pragma once
// Cookies of DTLS (RFC 6347 §4.2.1): proof that a peer receives what is sent to its address, asked for before anything
// is kept of it. A cookie is a keyed digest of the address and the time, so none is remembered.
#include "common/base/time.hpp"
#include "daemon/network/address.hpp"

#include <openssl/types.h>
#include <array>
#include <cstddef>
#include <span>

namespace jl::network {

class DtlsCookies {
 public:
  using Cookie = std::array<unsigned char, 32>;
  static constexpr Millis kWindow = 60'000;  ///< a cookie is good for this one and the next

  /// With a secret of its own. Throws std::runtime_error when there is no randomness to be had.
  DtlsCookies();
  /// Any thread; `steady_now` as of Clock::steady.
  [[nodiscard]] Cookie make(const PeerAddress& peer, Millis steady_now) const;
  [[nodiscard]] bool check(const PeerAddress& peer, Millis steady_now, std::span<const unsigned char> cookie) const;

 private:
  [[nodiscard]] Cookie of_window(const PeerAddress& peer, Millis window) const;
  std::array<unsigned char, 32> secret_{};
};

/// Who asks for a cookie, and when; attached to each session of a context that wants them.
struct CookieRequest {
  const DtlsCookies& cookies;
  PeerAddress peer;
  Millis steady_now = 0;
};

/// Has the sessions of a context ask for cookies. One without a request attached accepts none.
void ask_for_cookies(SSL_CTX& context);
/// `request` must outlive the session.
void attach_cookie_request(SSL& session, CookieRequest& request);

}  // namespace jl::network
