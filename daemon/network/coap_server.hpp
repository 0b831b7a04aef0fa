#pragma once
// The CoAP component on libcoap 3 (RFC 7252, 7641, 7959), in the clear or with DTLS (certificates, and keys shared with
// single devices): one libcoap context in the turns of one I/O thread. It knows no routes and no devices: a handler
// answers.
#include "common/cert/bundle.hpp"
#include "daemon/network/coap_body.hpp"
#include "daemon/network/coap_message.hpp"
#include "daemon/network/io_thread.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace jl::network {

struct CoapServerOptions {
  std::string id;  ///< of the component, for logs
  std::string host = "0.0.0.0";
  std::uint16_t port = 0;                      ///< 0 = any free one (tests)
  bool secure = false;                         ///< DTLS
  std::shared_ptr<const cert::Bundle> bundle;  ///< DTLS: key and certificate; nullptr = shared keys only
  std::string alias;                           ///< of the bundle's entry
  bool mutual = false;                         ///< DTLS: ask for a client certificate that leads to the bundle's trust
  std::uint32_t max_sessions = 10'000;         ///< peers at once; the one silent for longest gives way
  std::uint32_t max_handshakes = 1000;
  std::chrono::seconds session_timeout{300};    ///< silence after which a peer is forgotten
  std::uint32_t max_message_bytes = 1u << 20u;  ///< of a body put together from blocks; more: 4.13
  std::uint32_t max_message_rate = 0;           ///< requests of one peer in one second; more: 5.03; 0 = no limit
};

struct CoapCounters {
  std::atomic<std::uint64_t> requests{0}, responses{0}, notifications{0}, received_bytes{0}, sent_bytes{0};
  std::atomic<std::uint64_t> rejected{0};  ///< answered with 4.xx or 5.xx
  std::atomic<std::uint64_t> rate_limited{0}, dtls_handshakes{0}, dtls_failures{0};
  std::atomic<std::uint32_t> sessions{0}, observers{0};  ///< now
};

/// One request. Views are valid during the handler's call.
struct CoapRequest {
  int method = 0;                     ///< 1 GET, 2 POST, 3 PUT, 4 DELETE, 5 FETCH (RFC 7252 §5.8, RFC 8132 §2)
  std::string_view path;              ///< "/sensor/dev-1/properties/report"
  std::string_view query;             ///< its options joined by '&'
  std::string_view payload;           ///< put together from blocks
  int content_format = -1;            ///< -1 = absent
  std::string_view device_option;     ///< option 2100 of JetLinks' official protocol; "" when absent
  std::string_view proven_id;         ///< PSK identity that DTLS has proven; "" otherwise
  std::string_view tls_subject;       ///< of the verified client certificate
  std::string_view peer;              ///< "192.0.2.7:5683"
  bool observe = false;               ///< a GET or FETCH that asks to be told of news (RFC 7641 §3.1)
  std::optional<CoapBlock> block2{};  ///< the block of the response that is asked for (RFC 7959 §2.4); absent = not
                                      ///< asked. Who answers with a payload need not look at it.
};

struct CoapResponse {
  int code = 204;  ///< class * 100 + detail: 201 = 2.01, 404 = 4.04
  std::string payload{};
  int content_format = 50;  ///< of the payload
  /// Instead of all above, and of a GET only: the answer is read_block() of it, octets that are read now. Later blocks
  /// are requests that reach the handler like the first, also those that are repeated because their answer was lost
  /// (RFC 7252 §4.5); each counts for max_message_rate. It cannot be observed.
  std::shared_ptr<const CoapBody> body{};
};

/// Answers one request, once; on the component's thread. It must not outlive the server.
using CoapRespond = std::function<void(const CoapResponse&)>;

/// A peer that observes. Its id is never used again.
using ObserverId = std::uint64_t;

class CoapServerHandler {
 public:
  virtual ~CoapServerHandler() = default;
  /// Answer with `respond`, now or later. The response leaves when what the turn produced is committed; the server sees
  /// to that (IoThread::commit_now).
  virtual void on_request(const CoapRequest& request, CoapRespond respond) = 0;
  /// An observation that on_request() answered with 2.xx: from now on notify() reaches this peer.
  virtual void on_observe(const CoapRequest& request, ObserverId id) = 0;
  /// It ended: the peer cancelled, reset, was silent or does not acknowledge.
  virtual void on_observe_end(ObserverId id) = 0;
  /// The key shared with a peer that gives this PSK identity in its handshake; "" = refused.
  [[nodiscard]] virtual std::string shared_key(std::string_view identity) = 0;
};

class CoapServer {
 public:
  /// Binds. Errors: address_in_use, denied, network, invalid (host, certificate).
  [[nodiscard]] static Result<std::unique_ptr<CoapServer>> start(const CoapServerOptions& options, IoThreads& threads,
                                                                 std::shared_ptr<CoapServerHandler> handler);
  virtual ~CoapServer() = default;
  /// Tells an observer something, as a confirmable notification (2.05), once this turn is committed. False: it is gone,
  /// or too many are on their way to it (RFC 7252 NSTART applies: they wait in order, at most 16). On the thread.
  [[nodiscard]] virtual bool notify(ObserverId id, std::string_view payload, int content_format) = 0;
  virtual void end_observation(ObserverId id) = 0;  ///< with 4.04; on the thread
  [[nodiscard]] virtual IoThread& thread() const = 0;
  /// Closes every session and the socket. When it returns the handler is not called any more. Not from an I/O thread.
  virtual void stop() = 0;
  /// New limits and certificate, for sessions that begin from now on. host and port are not changed. Errors: invalid;
  /// nothing is changed then.
  [[nodiscard]] virtual Status update(const CoapServerOptions& options) = 0;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual const CoapCounters& counters() const = 0;
};

}  // namespace jl::network
