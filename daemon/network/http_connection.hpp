#pragma once
// One client of a HTTP server: a stream connection that reads requests, and messages once it is a WebSocket. Between
// requests it holds neither a reader nor a buffer.
#include "daemon/network/http_handshake.hpp"
#include "daemon/network/http_request.hpp"
#include "daemon/network/http_response.hpp"
#include "daemon/network/http_server.hpp"
#include "daemon/network/stream_connection.hpp"
#include "daemon/wire/websocket/machine.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace jl::network {

/// The options of a component, and what is made of them once for all its connections.
struct HttpSettings : HttpServerOptions {
  explicit HttpSettings(const HttpServerOptions& options) : HttpServerOptions(options), fixed(options.headers) {}
  HttpFixedFields fixed;
};

/// What the connections of one HTTP server share.
class HttpComponent final : public StreamComponent {
 public:
  HttpComponent(const HttpServerOptions& options, IoThreads& threads, std::shared_ptr<HttpServerHandler> handler)
      : StreamComponent(std::make_shared<const HttpSettings>(options), threads, "network.http"),
        handler_(std::move(handler)) {}
  [[nodiscard]] HttpServerHandler& handler() const { return *handler_; }
  [[nodiscard]] std::shared_ptr<const HttpSettings> settings() const {
    return std::static_pointer_cast<const HttpSettings>(stream_options());
  }

 private:
  const std::shared_ptr<HttpServerHandler> handler_;
};

class HttpFileSender;

class HttpServerConnection final : public HttpConnection,
                                   public StreamConnection,
                                   private wire::websocket::MachineEvents {
 public:
  static constexpr Millis kCloseHandshake = 5000;  ///< for the client's close frame after ours

  /// Any thread. `over_limit` connections are answered 503 and never reach the handler.
  HttpServerConnection(std::shared_ptr<HttpComponent> component, StreamLane& lane, Stream stream,
                       const PeerAddress& peer, bool over_limit);
  ~HttpServerConnection() override;

  // All below on the lane's thread.
  void shut_down() override;
  std::string client() const override { return client_; }

  void respond(const HttpResponse& response) override;
  void accept_websocket() override;
  bool is_websocket() const override { return link_ != nullptr; }
  bool send(std::string_view message, bool text) override;
  void close_websocket(std::uint16_t code, std::string_view reason) override;
  std::string peer() const override { return peer_name(); }
  std::string_view tls_subject() const override { return stream().peer_subject(); }
  IoThread& thread() const override { return io_thread(); }
  void set_client(std::string client) override { client_ = std::move(client); }

 private:
  struct Link;

  std::shared_ptr<HttpServerConnection> strong_self() {
    return std::static_pointer_cast<HttpServerConnection>(shared_from_this());
  }
  std::shared_ptr<StreamConnection> self() override { return strong_self(); }
  void on_input(std::string_view bytes) override;
  bool wants_input() const override { return !waiting_ && kept_.empty(); }
  void on_lost() override;
  void on_deadline() override;
  void on_commit_failed() override;
  void on_slow_consumer() override { end(true); }
  void on_drained() override { file_ != nullptr ? send_file() : resume_soon(); }
  void on_finished() override;

  void work(std::string_view bytes);
  void resume_soon();
  void resume();
  void read_request(std::string_view& bytes);
  bool take_head();
  void dispatch();
  void refuse(const HttpRefusal& refusal);
  void proceed();
  void set_time_limit();
  void end(bool quiet);
  void tell_closed();

  // http_file_sender.cpp
  [[nodiscard]] bool begin_file(const HttpResponse& response);
  void send_file();
  void on_file_timer();
  void end_file();

  // http_websocket.cpp
  void on_message(std::string_view message, bool text) override;
  void on_ping(std::string_view payload) override;
  void on_close(std::uint16_t code, std::string_view reason) override;
  void on_failure(std::uint16_t code, std::string_view detail) override;
  void feed_link(std::string_view bytes);
  void on_silence();
  void wait_for_silence();
  [[nodiscard]] bool is_link_uncommitted() const;
  void fail_link_commit();

  const std::shared_ptr<HttpComponent> component_;
  const std::shared_ptr<const HttpSettings> settings_;
  std::unique_ptr<HttpRequestReader> request_;  // the one that comes in
  std::unique_ptr<HttpHandshake> handshake_;    // the handler decides about it
  std::unique_ptr<Link> link_;                  // once it is a WebSocket
  std::unique_ptr<HttpFileSender> file_;        // the body that goes out
  std::string kept_;                            // input that came behind a request which is not answered
  std::string client_;
  Millis began_ = 0;            // the request that comes in
  HttpExchange exchange_;       // of the request at hand, or the last one
  bool is_timed_ : 1 = false;   // the deadline is that of request_
  bool waiting_ : 1 = false;    // for the handler's answer, or for its file to be out
  bool working_ : 1 = false;    // inside of work()
  bool announced_ : 1 = false;  // the handler knows it, so on_close is owed
  bool stopping_ : 1 = false;   // the next answer is the last one
  bool lost_ : 1 = false;       // the client sends no more, but may wait for its answer
};

}  // namespace jl::network
