#pragma once
// One libcoap context with its socket, as an object: it reads and parses, retransmits what is confirmable, does DTLS
// and forgets silent peers. It lives on one I/O thread, which is the same for all of them: libcoap 4.3.1 has static
// buffers and counters. What libcoap cannot do, or does wrong, is in coap_core.hpp; its headers stay in three .cpp
// files.
#include "common/base/result.hpp"
#include "daemon/network/coap_dtls.hpp"
#include "daemon/network/coap_message.hpp"
#include "daemon/network/coap_server.hpp"

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct coap_context_t;
struct coap_resource_t;
struct coap_session_t;

namespace jl::network {

/// What libcoap tells. Called from the middle of its work: nothing may be thrown, and of CoapLibrary only what says so
/// may be called back.
class CoapLibraryEvents {
 public:
  /// A request. An answer is sent with CoapLibrary::send().
  virtual void on_message(coap_session_t& session, const CoapMessage& message) = 0;
  /// A confirmable message was reset, or nobody acknowledged it.
  virtual void on_undelivered(coap_session_t& session, std::uint16_t id, std::string_view token, bool was_reset) = 0;
  /// This peer is gone or forgotten; its session must not be used any more, and holds on it must be released now.
  virtual void on_session_end(coap_session_t& session) = 0;
  virtual void on_handshake(bool ok) = 0;
  /// "" = refused.
  virtual std::string shared_key(std::string_view identity) = 0;
  /// The next notification of an observation may leave. `is_repeat`: the one before could not be sent.
  virtual CoapReply next_notification(ObserverId id, bool is_repeat) = 0;
  virtual void on_sent(std::size_t bytes) = 0;

 protected:
  ~CoapLibraryEvents() = default;
};

/// An observation inside of libcoap, which tells in this way when the notification before is acknowledged.
struct CoapSubscription {
  coap_session_t* session;
  std::string token;
  ObserverId id;
  coap_resource_t* resource = nullptr;
  std::uint32_t sequence = 2;  ///< of its last notification, or of the response that began it
  bool is_marked = false;
  bool is_open = true;
  bool tells_end = false;
};

class CoapLibrary {
 public:
  /// Binds. Errors: those of CoapServer::start.
  [[nodiscard]] static Result<std::unique_ptr<CoapLibrary>> open(const CoapServerOptions& options,
                                                                 CoapLibraryEvents& events);
  /// Closes all sessions and tells the observers. Holds on sessions must be gone. On the thread, once that runs.
  ~CoapLibrary();
  CoapLibrary(const CoapLibrary&) = delete;
  CoapLibrary& operator=(const CoapLibrary&) = delete;

  [[nodiscard]] int descriptor() const;  ///< readable when work() has something to do, timers included
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Takes what has come, a bounded number of datagrams, and does what is due. Not from an event.
  void work();
  /// For sessions from now on.
  void set_limits(std::uint32_t max_idle_sessions, std::uint32_t max_handshakes, std::chrono::seconds session_timeout);
  /// For handshakes from now on; `context` nullptr = shared keys only.
  void set_dtls(std::shared_ptr<const TlsContext> context, bool mutual);

  // Events may call these.
  /// Sends, or queues behind a confirmable message that is under way to that peer. False: it cannot be sent.
  bool send(coap_session_t& session, const CoapReply& reply);
  /// Sends an empty confirmable message, which a living peer resets (RFC 7252 §4.3). Its message ID, -1 = not sent.
  [[nodiscard]] int ping(coap_session_t& session);
  /// Whether messages can be exchanged: with DTLS, that the handshake is over.
  [[nodiscard]] static bool is_established(const coap_session_t& session);
  [[nodiscard]] static std::string peer_of(const coap_session_t& session);
  [[nodiscard]] static std::string identity_of(const coap_session_t& session);
  [[nodiscard]] static std::string subject_of(const coap_session_t& session);
  /// Keeps a session from being forgotten.
  static void hold(coap_session_t& session);
  static void release(coap_session_t& session);

  /// Begins an observation; holds the session until it is closed.
  [[nodiscard]] std::shared_ptr<CoapSubscription> subscribe(coap_session_t& session, std::string token, ObserverId id);
  /// Asks for next_notification() as soon as one may leave.
  void mark(const std::shared_ptr<CoapSubscription>& subscription);
  /// Ends it, silently or with 4.04.
  void close(const std::shared_ptr<CoapSubscription>& subscription, bool tell);
  /// Does what the three above have left to do. Not from an event: there it happens by itself, afterwards.
  void settle();

 private:
  struct Callbacks;
  struct Observing;
  explicit CoapLibrary(CoapLibraryEvents& events) : events_(events) {}
  static CoapLibrary& of(const coap_session_t* session);
  static void report(std::string_view error);
  /// For callbacks of libcoap.
  template <class Work>
  static void guard(Work&& work) {
    try {
      work();
    } catch (const std::exception& e) {
      report(e.what());
    } catch (...) {
      report("unknown exception");
    }
  }
  Status start(const CoapServerOptions& options);
  Status start_dtls();
  void watch_resources();
  void open_resource(CoapSubscription& subscription);
  bool inject(const CoapSubscription& subscription, int observe);
  void run();
  void clear_remains();

  CoapLibraryEvents& events_;
  DtlsRemains remains_;  // outlives the context
  coap_context_t* context_ = nullptr;
  std::uint16_t port_ = 0;
  std::shared_ptr<const TlsContext> dtls_;
  bool mutual_ = false;
  std::string unused_key_;  // makes libcoap expect shared keys
  std::string found_key_;   // what the last identity was answered with
  bool inside_ = false;     // libcoap is at work
  std::size_t reads_ = 1;   // datagrams read in one go
  std::vector<std::shared_ptr<CoapSubscription>> opening_, marked_, closing_;
};

}  // namespace jl::network
