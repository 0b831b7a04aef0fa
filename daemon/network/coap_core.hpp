#pragma once
// The CoAP component on its thread: knows the peers, tells repeated requests from new ones, puts blocks together, asks
// the handler, and answers once what was asked for is committed. libcoap is below it (coap_library.hpp).
#include "daemon/base/log.hpp"
#include "daemon/network/coap_exchange.hpp"
#include "daemon/network/coap_library.hpp"
#include "daemon/network/coap_observers.hpp"
#include "daemon/network/coap_server.hpp"
#include "daemon/network/coap_transfers.hpp"
#include "daemon/network/io_thread.hpp"

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

namespace jl::network {

class CoapCore final : public TurnMember, private CoapLibraryEvents, public std::enable_shared_from_this<CoapCore> {
 public:
  static constexpr Millis kPiggyback = 1000;          ///< so long an answer may travel in the acknowledgement: half of
                                                      ///< ACK_TIMEOUT, after which the peer repeats itself
  static constexpr Millis kAnswerLimit = 247'000;     ///< for the handler; then 5.04
  static constexpr Millis kMaxTransmitWait = 93'000;  ///< RFC 7252 §4.8.2
  static constexpr std::uint32_t kMostLate = 16;      ///< answers of their own that are confirmable, in that time
  static constexpr std::uint32_t kMostOpenOfPeer = 16;  ///< requests that wait for the handler; more: 5.03
  static constexpr std::size_t kTransferBudget = std::size_t{64} * 1024 * 1024;  ///< bytes of all partial bodies

  /// Binds; the thread may not run yet. Errors: those of CoapServer::start.
  [[nodiscard]] static Result<std::shared_ptr<CoapCore>> open(const CoapServerOptions& options,
                                                              std::shared_ptr<const TlsContext> dtls, IoThread& thread,
                                                              std::shared_ptr<CoapServerHandler> handler);
  CoapCore(const CoapServerOptions& options, IoThread& thread, std::shared_ptr<CoapServerHandler> handler);
  ~CoapCore();

  // On the thread.
  void begin();
  void end();
  void update(const CoapServerOptions& options, std::shared_ptr<const TlsContext> dtls);
  [[nodiscard]] bool notify(ObserverId id, std::string_view payload, int content_format);
  void end_observation(ObserverId id);

  [[nodiscard]] IoThread& thread() const { return thread_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  CoapCounters counters;

 private:
  using ExchangePtr = std::shared_ptr<CoapExchange>;

  void on_readable() override;
  void on_writable() override {}
  void on_flush(bool) override {}
  void on_message(coap_session_t& session, const CoapMessage& message) override;
  void on_undelivered(coap_session_t& session, std::uint16_t id, std::string_view token, bool was_reset) override;
  void on_session_end(coap_session_t& session) override;
  void on_handshake(bool ok) override;
  std::string shared_key(std::string_view identity) override;
  CoapReply next_notification(ObserverId id, bool is_repeat) override;
  void on_sent(std::size_t bytes) override;

  // Requests, in coap_core.cpp.
  CoapPeer& peer_of(coap_session_t& session);
  bool repeat(CoapPeer& peer, const CoapMessage& message);
  [[nodiscard]] bool is_too_fast(CoapPeer& peer) const;
  void handle(CoapPeer& peer, const CoapMessage& message, const ExchangePtr& exchange);
  void ask(CoapPeer& peer, const CoapMessage& message, std::string_view payload, const ExchangePtr& exchange);
  void answer(const ExchangePtr& exchange, const CoapResponse& response);
  void keep_open(const ExchangePtr& exchange);
  void let_go();
  void report_handler(std::string_view error);
  void settle(const ExchangePtr& exchange);
  void finish(const ExchangePtr& exchange, bool committed);
  // Answers and what time brings, in coap_core_answer.cpp. A peer may be gone after anything was sent.
  void respond(CoapExchange& exchange);
  void respond_with_body(CoapExchange& exchange);
  void refuse(CoapExchange& exchange, int code);
  void send(CoapExchange& exchange, CoapReply& reply);
  [[nodiscard]] CoapReply::Kind kind_of(const CoapExchange& exchange);
  [[nodiscard]] bool begins_to_observe(CoapExchange& exchange, CoapReply& reply);
  void observe(CoapExchange& exchange);
  void end_observer(ObserverId id);
  void sweep();
  void look_after_open();
  void probe_silent_observers();
  void keep_to_limit();

  const std::string id_;
  IoThread& thread_;
  const std::shared_ptr<CoapServerHandler> handler_;
  CoapServerOptions options_;
  std::uint16_t port_ = 0;
  CoapTransfers transfers_;
  CoapObservers observers_;
  std::unique_ptr<CoapLibrary> library_;
  std::unordered_map<const coap_session_t*, std::unique_ptr<CoapPeer>> peers_;
  std::list<ExchangePtr> open_;  // not answered yet, or waiting for a commit; they hold their sessions
  Timer sweeper_;
  log::RateLimit handler_failures_, rate_limits_, handshake_failures_;
};

}  // namespace jl::network
