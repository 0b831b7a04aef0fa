#include "daemon/network/coap_library.hpp"

#include "daemon/base/log.hpp"
#include "daemon/network/address.hpp"
#include "daemon/network/coap_pdu.hpp"
#include "daemon/network/coap_socket.hpp"

#include <coap3/coap.h>
#include <fmt/format.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>

namespace jl::network {
namespace {

constexpr std::string_view kLogger = "network.coap";
constexpr std::size_t kMostReads = 16;  // datagrams between two looks at every session, which libcoap takes
constexpr int kRounds = 8;              // of these per turn
constexpr unsigned kLargestDatagram = COAP_RXBUFFER_SIZE;
constexpr unsigned kLargestRecord = 1216;  // RFC 7252 §4.6: messages of 1152 bytes, and what DTLS adds
constexpr std::size_t kMostKey = 256;

/// libcoap's own words, nearly all of which peers can bring about.
void on_log(coap_log_t level, const char* message) {
  static log::RateLimit warnings;
  std::string_view text = message;
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  // A reset that somebody sent is not the alert that libcoap takes it for.
  const bool is_serious = level <= LOG_CRIT && text.find("got RST") == std::string_view::npos;
  std::uint64_t held = 0;
  coap_tick_t now = 0;
  coap_ticks(&now);
  if (is_serious && warnings.allow(static_cast<Millis>(now), held)) {
    log::warn(kLogger, "libcoap says \"{}\" suppressed={}", text, held);
  } else {
    log::debug(kLogger, "libcoap says \"{}\"", text);
  }
}

void start_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    coap_startup();
    coap_set_log_handler(&on_log);
    // Not more: its debug level prints payloads.
    coap_set_log_level(LOG_WARNING);
  });
}

coap_address_t address_of(const BindAddress& from) {
  coap_address_t address;
  coap_address_init(&address);
  address.size = std::min<socklen_t>(from.size, sizeof address.addr);
  std::memcpy(&address.addr, &from.address, address.size);
  return address;
}

coap_bin_const_t bytes_of(std::string_view text) {
  return {text.size(), reinterpret_cast<const std::uint8_t*>(text.data())};
}

}  // namespace

// What would be thrown into libcoap, which is C, ends here.
void CoapLibrary::report(std::string_view error) {
  static log::RateLimit failures;
  std::uint64_t held = 0;
  if (!failures.allow(system_clock().steady(), held)) return;
  log::error(kLogger, "callback failed error=\"{}\" suppressed={}", error, held);
}

CoapLibrary& CoapLibrary::of(const coap_session_t* session) {
  return *static_cast<CoapLibrary*>(coap_get_app_data(coap_session_get_context(session)));
}

struct CoapLibrary::Callbacks {
  /// All requests. The response that libcoap has prepared is always dropped; ours is sent by itself, now or later.
  static void request(coap_resource_t*, coap_session_t* session, const coap_pdu_t* pdu, const coap_string_t*,
                      coap_pdu_t* response) {
    coap_pdu_set_type(response, COAP_MESSAGE_NON);
    const auto type = coap_pdu_get_type(pdu);
    // libcoap takes requests in acknowledgements too (RFC 7252 §4.2 has them ignored), and messages that come with the
    // end of the handshake, before it knows of that end.
    if ((type != COAP_MESSAGE_CON && type != COAP_MESSAGE_NON) || !is_established(*session)) return;
    guard([&] { of(session).events_.on_message(*session, read_pdu(*pdu)); });
  }

  static int event(coap_session_t* session, coap_event_t what) {
    guard([&] {
      CoapLibrary& library = of(session);
      switch (what) {
        case COAP_EVENT_DTLS_CONNECTED:
          note_handshake(*static_cast<SSL*>(coap_session_get_tls(session, nullptr)));
          return library.events_.on_handshake(true);
        case COAP_EVENT_DTLS_CLOSED:
        case COAP_EVENT_SERVER_SESSION_DEL:
          return library.events_.on_session_end(*session);
        default:
          return;
      }
    });
    return 0;
  }

  static void undelivered(coap_session_t* session, const coap_pdu_t* sent, coap_nack_reason_t reason, coap_mid_t id) {
    // libcoap goes on sending after an ICMP error.
    if (sent == nullptr || reason == COAP_NACK_ICMP_ISSUE) return;
    const coap_bin_const_t token = coap_pdu_get_token(sent);
    guard([&] {
      const std::string_view text(reinterpret_cast<const char*>(token.s), token.length);
      of(session).events_.on_undelivered(*session, static_cast<std::uint16_t>(id), text, reason == COAP_NACK_RST);
    });
  }

  static const coap_bin_const_t* shared_key(coap_bin_const_t* identity, coap_session_t* session, void*) {
    static coap_bin_const_t answer;
    CoapLibrary& library = of(session);
    library.found_key_.clear();
    guard([&] {
      library.found_key_ = library.events_.shared_key({reinterpret_cast<const char*>(identity->s), identity->length});
    });
    // libcoap would cut a longer one.
    if (library.found_key_.empty() || library.found_key_.size() > kMostKey) return nullptr;
    answer = bytes_of(library.found_key_);
    return &answer;
  }

  static int set_up(void* ssl, coap_dtls_pki_t*) {
    auto& tls = *static_cast<SSL*>(ssl);
    CoapLibrary& library = of(static_cast<const coap_session_t*>(SSL_get_app_data(&tls)));
    return prepare_dtls(tls, library.dtls_.get(), library.mutual_, library.remains_) ? 1 : 0;
  }

  /// Answers of peers to requests that nobody made (RFC 7252 §5.3.2: rejected).
  static coap_response_t response(coap_session_t*, const coap_pdu_t*, const coap_pdu_t* received, coap_mid_t) {
    return coap_pdu_get_type(received) == COAP_MESSAGE_CON ? COAP_RESPONSE_FAIL : COAP_RESPONSE_OK;
  }
};

Result<std::unique_ptr<CoapLibrary>> CoapLibrary::open(const CoapServerOptions& options, CoapLibraryEvents& events) {
  start_library();
  std::unique_ptr<CoapLibrary> library(new CoapLibrary(events));
  JL_CHECK(library->start(options));
  return library;
}

Status CoapLibrary::start(const CoapServerOptions& options) {
  JL_TRY(const BindAddress where, find_bind_address(options.host, options.port));
  context_ = coap_new_context(nullptr);
  if (context_ == nullptr) return Error{Errc::failed, "libcoap cannot be set up"};
  coap_set_app_data(context_, this);
  if (options.secure) JL_CHECK(start_dtls());
  const coap_address_t address = address_of(where);
  coap_endpoint_t* endpoint = coap_new_endpoint(context_, &address, options.secure ? COAP_PROTO_DTLS : COAP_PROTO_UDP);
  const int socket = endpoint != nullptr ? find_udp_socket(descriptor()) : -1;
  if (socket < 0) {
    return Error{Errc::network, fmt::format("bind {}: libcoap refused", host_and_port(options.host, options.port))};
  }
  port_ = take_over(socket);
  coap_endpoint_set_default_mtu(endpoint, options.secure ? kLargestRecord : kLargestDatagram);
  if (!options.secure && !drop_malformed(socket)) {
    log::warn(kLogger, "malformed datagrams cannot be filtered component={}", options.id);
  }
  watch_resources();
  return {};
}

Status CoapLibrary::start_dtls() {
  // libcoap takes it that shared keys are not wanted when there is no key for all.
  unused_key_.assign(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(unused_key_.data()), static_cast<int>(unused_key_.size())) != 1) {
    return Error{Errc::failed, "no random numbers for DTLS"};
  }
  coap_dtls_spsk_t keys{};
  keys.version = COAP_DTLS_SPSK_SETUP_VERSION;
  keys.validate_id_call_back = &Callbacks::shared_key;
  keys.psk_info.key = bytes_of(unused_key_);
  if (coap_context_set_psk2(context_, &keys) == 0) return Error{Errc::failed, "DTLS cannot be set up"};
  set_dtls(nullptr, false);
  return {};
}

void CoapLibrary::set_dtls(std::shared_ptr<const TlsContext> context, bool mutual) {
  dtls_ = std::move(context);
  mutual_ = mutual;
  // The certificate itself is set by prepare_dtls(): libcoap 4.3.1 would send it without its chain, and would add what
  // is trusted to what was trusted before.
  coap_dtls_pki_t setup{};
  setup.version = COAP_DTLS_PKI_SETUP_VERSION;
  setup.verify_peer_cert = mutual ? 1 : 0;
  setup.additional_tls_setup_call_back = &Callbacks::set_up;
  setup.pki_key.key_type = COAP_PKI_KEY_PEM_BUF;
  coap_context_set_pki(context_, &setup);
}

void CoapLibrary::watch_resources() {
  coap_context_set_block_mode(context_, 0);
  coap_register_event_handler(context_, &Callbacks::event);
  coap_register_nack_handler(context_, &Callbacks::undelivered);
  coap_register_response_handler(context_, &Callbacks::response);
  coap_resource_t* all = coap_resource_unknown_init2(&Callbacks::request, 0);
  // libcoap would answer this one itself, with the paths of subscriptions in it.
  const coap_str_const_t core{std::strlen(COAP_DEFAULT_URI_WELLKNOWN),
                              reinterpret_cast<const std::uint8_t*>(COAP_DEFAULT_URI_WELLKNOWN)};
  coap_str_const_t path = core;
  coap_resource_t* well_known = coap_resource_init(&path, 0);
  for (coap_resource_t* resource : {all, well_known}) {
    for (int method = COAP_REQUEST_GET; method <= COAP_REQUEST_IPATCH; ++method) {
      coap_register_request_handler(resource, static_cast<coap_request_t>(method), &Callbacks::request);
    }
    coap_add_resource(context_, resource);
  }
}

CoapLibrary::~CoapLibrary() {
  if (context_ == nullptr) return;
  inside_ = true;
  for (const auto& each : closing_) release(*each->session);
  coap_free_context(context_);
  remains_.clear();
}

int CoapLibrary::descriptor() const { return coap_context_get_coap_fd(context_); }

void CoapLibrary::set_limits(std::uint32_t max_idle_sessions, std::uint32_t max_handshakes,
                             std::chrono::seconds session_timeout) {
  // 0 would mean none, or libcoap's own.
  coap_context_set_max_idle_sessions(context_, std::max(max_idle_sessions, 1u));
  coap_context_set_max_handshake_sessions(context_, std::max(max_handshakes, 1u));
  coap_context_set_session_timeout(context_, static_cast<unsigned>(std::max<std::int64_t>(session_timeout.count(), 1)));
}

void CoapLibrary::work() {
  for (int round = 0; round < kRounds; ++round) {
    std::array<epoll_event, 4> ready{};
    const int count = ::epoll_wait(descriptor(), ready.data(), static_cast<int>(ready.size()), 0);
    if (count <= 0) break;
    // libcoap reads one datagram for each event, and looks at all of its sessions after each call: with many sessions
    // that costs more than the datagram. So under load one event is told several times.
    std::array<epoll_event, kMostReads> told{};
    std::size_t size = 0;
    for (int i = 0; i < count; ++i) {
      const std::size_t times = ready.at(static_cast<std::size_t>(i)).data.ptr != nullptr ? reads_ : 1;
      for (std::size_t k = 0; k < times && size < told.size(); ++k) {
        told.at(size++) = ready.at(static_cast<std::size_t>(i));
      }
    }
    inside_ = true;
    coap_io_do_epoll(context_, told.data(), size);
    inside_ = false;
    clear_remains();
    settle();
    reads_ = std::min(reads_ * 2, kMostReads);
    if (round + 1 == kRounds) return;
  }
  reads_ = 1;
}

/// Does what is due: requests of inject(), notifications, retransmissions.
void CoapLibrary::run() {
  coap_tick_t now = 0;
  coap_ticks(&now);
  inside_ = true;
  coap_io_prepare_epoll(context_, now);
  inside_ = false;
  clear_remains();
}

void CoapLibrary::clear_remains() {
  for (std::size_t failed = remains_.clear(); failed > 0; --failed) events_.on_handshake(false);
}

bool CoapLibrary::send(coap_session_t& session, const CoapReply& reply) {
  // Without a handshake libcoap would begin one, as a client.
  if (!is_established(session)) return false;
  std::size_t bytes = 0;
  coap_pdu_t* pdu = write_pdu(reply, coap_new_message_id(&session), coap_session_max_pdu_size(&session), bytes);
  if (pdu == nullptr || coap_send(&session, pdu) == COAP_INVALID_MID) return false;
  events_.on_sent(bytes);
  return true;
}

int CoapLibrary::ping(coap_session_t& session) { return coap_session_send_ping(&session); }

bool CoapLibrary::is_established(const coap_session_t& session) {
  return coap_session_get_state(&session) == COAP_SESSION_STATE_ESTABLISHED;
}

std::string CoapLibrary::peer_of(const coap_session_t& session) {
  const coap_address_t* remote = coap_session_get_addr_remote(&session);
  sockaddr_storage address{};
  std::memcpy(&address, &remote->addr, std::min<std::size_t>(sizeof address, sizeof remote->addr));
  return PeerAddress(address).to_string();
}

std::string CoapLibrary::identity_of(const coap_session_t& session) {
  if (coap_session_get_proto(&session) != COAP_PROTO_DTLS) return {};
  const coap_bin_const_t* identity = coap_session_get_psk_identity(&session);
  return identity == nullptr ? std::string()
                             : std::string(reinterpret_cast<const char*>(identity->s), identity->length);
}

std::string CoapLibrary::subject_of(const coap_session_t& session) {
  if (coap_session_get_proto(&session) != COAP_PROTO_DTLS) return {};
  auto* ssl = static_cast<SSL*>(coap_session_get_tls(&session, nullptr));
  return ssl == nullptr ? std::string() : dtls_subject(*ssl);
}

void CoapLibrary::hold(coap_session_t& session) { coap_session_reference(&session); }
void CoapLibrary::release(coap_session_t& session) { coap_session_release(&session); }

}  // namespace jl::network
