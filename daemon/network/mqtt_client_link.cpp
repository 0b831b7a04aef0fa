#include "daemon/network/mqtt_client_link.hpp"

#include "daemon/network/mqtt_client_reasons.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <exception>
#include <mutex>
#include <system_error>
#include <utility>

namespace jl::network {
namespace {

constexpr Millis kAnswerLimit = 10'000;  // for the TCP connection, the TLS handshake and CONNACK together
constexpr Millis kKeepEvery = 1000;      // libmosquitto looks at its PINGREQ clock
constexpr int kReadsPerTurn = 64;        // so that one broker does not keep the thread to itself
constexpr int kInFlight = 1024;          // QoS 1 messages that an MQTT 5 broker may have under way
constexpr std::size_t kMostClientId = 256;

// The name for the ClientHello that is being written on this thread. libmosquitto dials a numeric address here and
// would announce that.
thread_local const std::string* dialled_name = nullptr;
// Why the certificate was refused in the handshake step that this thread is in. libmosquitto may have dropped the
// connection, and what OpenSSL knows of it, before it returns.
thread_local long verify_failure = X509_V_OK;

void on_tls_event(const SSL* ssl, int where, int) {
  if ((where & (SSL_CB_ALERT | SSL_CB_EXIT)) != 0 && SSL_get_verify_result(ssl) != X509_V_OK) {
    verify_failure = SSL_get_verify_result(ssl);
  }
  if ((where & SSL_CB_HANDSHAKE_START) == 0 || dialled_name == nullptr) return;
  in6_addr ignored{};
  const bool is_address = ::inet_pton(AF_INET, dialled_name->c_str(), &ignored) == 1 ||
                          ::inet_pton(AF_INET6, dialled_name->c_str(), &ignored) == 1;
  // RFC 6066 §3: only names, no addresses. Not the macro, whose cast to void* does not compile here.
  SSL_ctrl(const_cast<SSL*>(ssl), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           is_address ? nullptr : const_cast<char*>(dialled_name->c_str()));
}

Error refused(std::string_view what) {
  return Error{Errc::invalid, fmt::format("the MQTT client's {} is not usable", what)};
}

SSL* tls_of(mosquitto* client) { return static_cast<SSL*>(mosquitto_ssl_get(client)); }

}  // namespace

void MqttClientLink::Free::operator()(mosquitto* client) const { mosquitto_destroy(client); }

// libmosquitto calls these in the middle of its own work: nothing may be thrown or destroyed here.
struct MqttClientLink::Callbacks {
  template <class Work>
  static void guard(void* user, Work&& work) {
    auto& link = *static_cast<MqttClientLink*>(user);
    try {
      work(link);
    } catch (const std::exception& e) {
      link.fail(fmt::format("a message could not be handled: {}", e.what()));
    } catch (...) {
      link.fail("a message could not be handled");
    }
  }
  static void connect(mosquitto*, void* user, int code, int, const mosquitto_property*) {
    guard(user, [code](MqttClientLink& link) {
      if (code != 0) return link.fail(connack_reason(code, link.options_.v5));
      link.limit_.cancel();
      link.phase_ = Phase::open;
      link.thread_.timers().set(link.keeper_, kKeepEvery);
      link.owner_.on_link_open();
    });
  }
  static void disconnect(mosquitto*, void* user, int code, const mosquitto_property*) {
    guard(user, [code](MqttClientLink& link) { link.ended(code); });
  }
  static void message(mosquitto*, void* user, const mosquitto_message* message) {
    guard(user, [message](MqttClientLink& link) {
      if (!link.is_over_ && link.phase_ == Phase::open) link.owner_.on_link_message(*message);
    });
  }
  static void subscribed(mosquitto*, void* user, int id, int count, const int* granted) {
    guard(user, [=](MqttClientLink& link) { link.owner_.on_link_subscribed(id, count > 0 && granted[0] < 0x80); });
  }
  static void published(mosquitto*, void* user, int id) {
    guard(user, [id](MqttClientLink& link) { link.owner_.on_link_published(id); });
  }
  static void log(mosquitto*, void* user, int level, const char* text) {
    guard(user, [=](MqttClientLink& link) {
      const std::string_view line = text;
      if (level == MOSQ_LOG_ERR) {
        if (line.starts_with("OpenSSL Error")) link.tls_error_ = line.substr(line.rfind(':') + 1);
      } else if (line.starts_with(link.publish_mark_)) {
        // "...received PUBLISH (d0, q2": QoS 2 was never asked for, and libmosquitto would keep it without a bound.
        const std::string_view rest = line.substr(link.publish_mark_.size());
        if (rest.size() > 4 && rest[4] == '2') link.fail("the broker sent QoS 2, which was not granted");
      }
    });
  }
};

Result<MqttClientLink::Handle> MqttClientLink::make(const MqttClientOptions& o, void* user) {
  static std::once_flag once;
  std::call_once(once, [] { mosquitto_lib_init(); });
  Handle client(mosquitto_new(o.client_id.c_str(), o.clean_session, user));
  if (client == nullptr) return refused("client id");
  mosquitto_threaded_set(client.get(), true);
  mosquitto_int_option(client.get(), MOSQ_OPT_PROTOCOL_VERSION, o.v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  mosquitto_int_option(client.get(), MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_int_option(client.get(), MOSQ_OPT_RECEIVE_MAXIMUM, kInFlight);
  const std::string& password = o.password.reveal();
  if (mosquitto_username_pw_set(client.get(), o.username.empty() ? nullptr : o.username.c_str(),
                                password.empty() ? nullptr : password.c_str()) != MOSQ_ERR_SUCCESS) {
    return refused("user name or password");
  }
  if (o.tls != nullptr) {
    mosquitto_int_option(client.get(), MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
    if (mosquitto_void_option(client.get(), MOSQ_OPT_SSL_CTX, o.tls->get()) != MOSQ_ERR_SUCCESS) {
      return refused("TLS context");
    }
  }
  if (o.v5) {
    mosquitto_property* properties = nullptr;
    // MQTT 5 §3.1.2.11.2: without it a session would end with its connection.
    if (!o.clean_session) {
      mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, UINT32_MAX);
    }
    mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, o.max_message_size);
    // There is no asynchronous connect with properties. This one takes them over, then ends for want of a host.
    mosquitto_connect_bind_v5(client.get(), nullptr, o.port, o.keep_alive, nullptr, properties);
    mosquitto_property_free_all(&properties);
  }
  return client;
}

Status MqttClientLink::check(const MqttClientOptions& options) {
  const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (options.host.empty() || options.host.size() > 255 || has_nul(options.host)) return refused("host");
  if (options.port == 0) return refused("port");
  if (options.client_id.empty() || options.client_id.size() > kMostClientId || has_nul(options.client_id)) {
    return refused("client id");
  }
  if (has_nul(options.username) || has_nul(options.password.reveal()) || options.password.reveal().size() > 65535 ||
      (options.username.empty() && !options.password.empty())) {
    return refused("user name or password");
  }
  if (options.max_message_size == 0) return refused("largest message size");
  if (options.keep_alive > 0 && options.keep_alive < 5) return refused("keep alive interval");
  if (const auto client = make(options, nullptr); !client) return client.error();
  return {};
}

MqttClientLink::MqttClientLink(const MqttClientOptions& options, IoThread& thread, Owner& owner)
    : options_(options),
      thread_(thread),
      owner_(owner),
      publish_mark_(fmt::format("Client {} received PUBLISH (d", options.client_id)),
      limit_([](void* link) { static_cast<MqttClientLink*>(link)->give_up(); }, this),
      keeper_([](void* link) { static_cast<MqttClientLink*>(link)->keep_alive(); }, this) {}

MqttClientLink::~MqttClientLink() {
  if (fd_ >= 0) thread_.forget(fd_, *this);
}

Status MqttClientLink::connect(const std::string& address) {
  JL_TRY(client_, make(options_, this));
  mosquitto* const client = client_.get();
  mosquitto_connect_v5_callback_set(client, Callbacks::connect);
  mosquitto_disconnect_v5_callback_set(client, Callbacks::disconnect);
  mosquitto_message_callback_set(client, Callbacks::message);
  mosquitto_subscribe_callback_set(client, Callbacks::subscribed);
  mosquitto_publish_callback_set(client, Callbacks::published);
  mosquitto_log_callback_set(client, Callbacks::log);
  if (options_.tls != nullptr) SSL_CTX_set_info_callback(options_.tls->get(), on_tls_event);
  dialled_name = &options_.host;
  const int code = mosquitto_connect_async(client, address.c_str(), options_.port, options_.keep_alive);
  const int error = errno;
  dialled_name = nullptr;
  verify_failure_ = std::exchange(verify_failure, X509_V_OK);
  const int fd = mosquitto_socket(client);
  // On a fast network the handshake is over, one way or the other, before this call returns.
  if (code != MOSQ_ERR_SUCCESS || fd < 0) {
    return Error{Errc::network, verify_failure_ != X509_V_OK ? tls_reason() : lost_reason(code, error, tls_error_)};
  }
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  JL_CHECK(thread_.watch(fd, *this));
  fd_ = fd;
  phase_ = Phase::connecting;
  want(false, true);
  thread_.timers().set(limit_, kAnswerLimit);
  return {};
}

int MqttClientLink::subscribe(const std::string& filter, int qos) {
  int id = 0;
  if (mosquitto_subscribe(client_.get(), &id, filter.c_str(), qos) != MOSQ_ERR_SUCCESS) return -1;
  thread_.request_flush(*this);
  return id;
}

void MqttClientLink::unsubscribe(const std::string& filter) {
  mosquitto_unsubscribe(client_.get(), nullptr, filter.c_str());
  thread_.request_flush(*this);
}

int MqttClientLink::publish(const std::string& topic, std::string_view payload, int qos, bool retain) {
  int id = 0;
  const int code = mosquitto_publish(client_.get(), &id, topic.c_str(), static_cast<int>(payload.size()),
                                     payload.data(), qos, retain);
  return code == MOSQ_ERR_SUCCESS ? id : -1;
}

void MqttClientLink::disconnect() {
  phase_ = Phase::leaving;
  limit_.cancel();
  keeper_.cancel();
  mosquitto_disconnect(client_.get());
  want(false, false);
  thread_.request_flush(*this);
}

void MqttClientLink::on_connected() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  const bool is_secure = tls_of(client_.get()) != nullptr;
  // The handshake may have begun with the connection, and been answered by its end already.
  if (is_secure && (error == ECONNRESET || error == EPIPE)) return fail(tls_reason());
  if (error != 0) return fail(system_reason(error));
  if (is_secure) {
    phase_ = Phase::handshake;
    return shake_hands();
  }
  phase_ = Phase::greeting;
  want(true, false);
  thread_.request_flush(*this);
}

// libmosquitto goes on with the handshake in its read function, whichever direction it waits for.
void MqttClientLink::shake_hands() {
  errno = 0;
  const int code = mosquitto_loop_read(client_.get(), 1);
  if (const long failure = std::exchange(verify_failure, X509_V_OK); failure != X509_V_OK) verify_failure_ = failure;
  SSL* const ssl = tls_of(client_.get());
  if (is_over_) return;
  if (code != MOSQ_ERR_SUCCESS || ssl == nullptr || mosquitto_socket(client_.get()) < 0) return fail(tls_reason());
  if (SSL_is_init_finished(ssl) == 1) {
    phase_ = Phase::greeting;
    want(true, false);
    thread_.request_flush(*this);
    return;
  }
  // libmosquitto goes on waiting after a failed read or write; the socket would be ready for ever.
  if (SSL_want_read(ssl) == 0 && SSL_want_write(ssl) == 0) return fail(handshake_reason(""));
  want(SSL_want_write(ssl) == 0, SSL_want_write(ssl) == 1);
}

void MqttClientLink::read() {
  for (int i = 0; i < kReadsPerTurn && !is_over_; ++i) {
    errno = 0;
    const int code = mosquitto_loop_read(client_.get(), 1);
    if (code != MOSQ_ERR_SUCCESS || errno == EAGAIN) break;
  }
  thread_.request_flush(*this);
}

void MqttClientLink::on_readable() {
  if (is_over_) return;
  switch (phase_) {
    case Phase::connecting:
      on_connected();
      break;
    case Phase::handshake:
      shake_hands();
      break;
    case Phase::greeting:
    case Phase::open:
      read();
      break;
    case Phase::idle:
    case Phase::leaving:  // a hang-up
      fail("");
      break;
  }
  settle();
}

void MqttClientLink::on_writable() {
  if (is_over_) return;
  if (phase_ == Phase::connecting) {
    on_connected();
  } else if (phase_ == Phase::handshake) {
    shake_hands();
  } else {
    // A TLS read may be what waited for the socket to take bytes.
    if (tls_of(client_.get()) != nullptr && phase_ != Phase::leaving) read();
    want(false, false);
    thread_.request_flush(*this);
  }
  settle();
}

void MqttClientLink::on_flush(bool committed) {
  if (is_over_ || phase_ == Phase::connecting || phase_ == Phase::handshake) return;
  if (!committed) {
    fail("what the broker sent could not be written to the log");
    return settle();
  }
  if (phase_ == Phase::open) owner_.on_link_flush();
  if (!is_over_) mosquitto_loop_write(client_.get(), 1);
  // What the socket does not take at once of a farewell is not waited for.
  if (phase_ == Phase::leaving && !is_over_) fail("");
  if (!is_over_) {
    // Back-pressure: while the broker does not take our acknowledgements, nothing more is read from it.
    SSL* const ssl = tls_of(client_.get());
    const bool blocked = mosquitto_want_write(client_.get()) && (ssl == nullptr || SSL_want_write(ssl) == 1);
    want(!blocked, blocked);
  }
  settle();
}

void MqttClientLink::keep_alive() {
  mosquitto_loop_misc(client_.get());
  if (!is_over_) {
    thread_.timers().set(keeper_, kKeepEvery);
    if (mosquitto_want_write(client_.get())) thread_.request_flush(*this);
  }
  settle();
}

void MqttClientLink::give_up() {
  fail(fmt::format("no answer in {} s", kAnswerLimit / 1000));
  settle();
}

// Tells the owner, which destroys this link: the last thing that an entry point does.
void MqttClientLink::settle() {
  if (!is_over_) return;
  if (fd_ >= 0) thread_.forget(std::exchange(fd_, -1), *this);
  limit_.cancel();
  keeper_.cancel();
  owner_.on_link_ended(std::move(reason_));
}

void MqttClientLink::want(bool read, bool write) {
  thread_.want_read(fd_, *this, read);
  thread_.want_write(fd_, *this, write);
}

void MqttClientLink::fail(std::string reason) {
  if (std::exchange(is_over_, true)) return;
  reason_ = std::move(reason);
}

void MqttClientLink::ended(int code) {
  const int error = errno;
  if (phase_ == Phase::leaving) return fail("");
  if (phase_ == Phase::handshake || verify_failure != X509_V_OK) return fail(tls_reason());
  fail(lost_reason(code, error, tls_error_));
}

std::string MqttClientLink::tls_reason() const {
  long result = verify_failure_ != X509_V_OK ? verify_failure_ : verify_failure;
  if (const SSL* const ssl = tls_of(client_.get()); ssl != nullptr && result == X509_V_OK) {
    result = SSL_get_verify_result(ssl);
  }
  if (result != X509_V_OK) {
    return fmt::format("certificate verify failed: {}", X509_verify_cert_error_string(result));
  }
  return handshake_reason(tls_error_);
}

}  // namespace jl::network
