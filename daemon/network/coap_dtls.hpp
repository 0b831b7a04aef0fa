#pragma once
// What a DTLS session of libcoap needs beyond what libcoap 4.3.1 sets up: OpenSSL only, no libcoap.
#include "daemon/network/tls_context.hpp"

#include <openssl/types.h>
#include <cstddef>
#include <string>
#include <vector>

namespace jl::network {

/// What is left of sessions that ended, until it is safe to free it.
class DtlsRemains {
 public:
  DtlsRemains() = default;
  ~DtlsRemains() { clear(); }
  DtlsRemains(const DtlsRemains&) = delete;
  DtlsRemains& operator=(const DtlsRemains&) = delete;
  void add(BIO* bio, bool was_established);
  /// Only while libcoap is not at work. How many of the sessions ended in their handshake.
  std::size_t clear();

 private:
  std::vector<BIO*> bios_;
  std::size_t failed_ = 0;
};

/// Sets a server's session up in its first callback, the ClientHello: ciphers and their strength, no renegotiation, no
/// resumption, and with `context` the certificate, its chain, and what client certificates must lead to; with nullptr
/// only keys shared with the peer are possible. Nothing that an earlier context trusted is left. False: out of memory.
///
/// libcoap 4.3.1 reads the state of a session's BIO after it has handed the message on, although the message may have
/// ended the session. `remains` keeps the BIO until that is over.
[[nodiscard]] bool prepare_dtls(SSL& ssl, const TlsContext* context, bool mutual, DtlsRemains& remains);

/// A handshake is over. Sessions that end without this have failed.
void note_handshake(SSL& ssl);

/// Of the verified certificate that the peer presented, "" without.
[[nodiscard]] std::string dtls_subject(SSL& ssl);

}  // namespace jl::network
