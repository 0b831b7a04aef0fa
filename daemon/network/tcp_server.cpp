#include "daemon/network/tcp_server.hpp"

#include "daemon/network/stream_server.hpp"

namespace jl::network {
namespace {

class Component final : public StreamComponent {
 public:
  Component(const TcpServerOptions& options, IoThreads& threads, std::shared_ptr<TcpServerHandler> handler)
      : StreamComponent(std::make_shared<const TcpServerOptions>(options), threads, "network.tcp"),
        handler_(std::move(handler)) {}
  [[nodiscard]] TcpServerHandler& handler() const { return *handler_; }
  [[nodiscard]] std::shared_ptr<const TcpServerOptions> options() const {
    return std::static_pointer_cast<const TcpServerOptions>(stream_options());
  }

 private:
  const std::shared_ptr<TcpServerHandler> handler_;
};

class Connection final : public TcpConnection, public StreamConnection, private wire::framing::FrameSink {
 public:
  Connection(std::shared_ptr<Component> component, StreamLane& lane, Stream stream, const PeerAddress& peer,
             bool over_limit)
      : StreamConnection(component, lane, std::move(stream), peer, over_limit),
        component_(std::move(component)),
        idle_timeout_(component_->options()->idle_timeout.count()) {}

  void shut_down() override { close(); }
  std::string client() const override { return client_; }

  void identify(std::string client) override;
  bool send(std::string_view frame) override;
  void reset_framing() override {
    if (framer_) framer_->reset();
  }
  void close() override {
    if (is_open()) end(true);
  }
  std::string peer() const override { return peer_name(); }
  std::string_view tls_subject() const override { return stream().peer_subject(); }
  IoThread& thread() const override { return io_thread(); }

 private:
  std::shared_ptr<StreamConnection> self() override { return std::static_pointer_cast<Connection>(shared_from_this()); }
  void on_started() override { static_cast<void>(begin()); }
  void on_input(std::string_view bytes) override;
  void on_lost() override { end(false); }
  void on_deadline() override;
  void on_commit_failed() override { end(true); }
  void on_slow_consumer() override { end(true); }
  void on_finished() override { attachment.reset(); }
  bool on_frame(std::string_view frame) override;
  /// Asks the handler and opens the framer; false: the connection is over (network.md 4.7: accepted, then closed).
  bool begin();
  void end(bool by_us);

  const std::shared_ptr<Component> component_;
  std::unique_ptr<wire::framing::Framer> framer_;
  std::string client_;
  const Millis idle_timeout_;
  bool taken_ = false;  // by the handler
};

bool Connection::begin() {
  if (framer_) return true;
  if (is_over_limit()) {
    end(true);
    return false;
  }
  taken_ = component_->handler().on_open(*this);
  if (!taken_) {
    end(true);
    return false;
  }
  auto framer = component_->options()->framing->open();
  if (!framer) {
    report_violation(framer.error().message);
    end(true);
    return false;
  }
  framer_ = std::move(*framer);
  return true;
}

void Connection::on_input(std::string_view bytes) {
  if (!begin()) return;
  if (!is_open()) return;
  const auto kept = self();
  if (const Status cut = framer_->feed(bytes, *this); !cut && is_open()) {
    report_violation(cut.error().message);
    end(true);
  }
}

bool Connection::on_frame(std::string_view frame) {
  count_message();
  component_->handler().on_frame(*this, frame);
  return is_open();
}

void Connection::on_deadline() {
  if (is_admitted()) {
    // Not moved with every byte: it looks what happened since and waits for the rest.
    const Millis silent = thread().timers().now() - last_heard();
    if (silent < idle_timeout_) return set_deadline(idle_timeout_ - silent);
  }
  end(true);
}

void Connection::identify(std::string client) {
  client_ = std::move(client);
  if (is_admitted() || !is_open()) return;
  admit();
  cancel_deadline();
  if (idle_timeout_ > 0) set_deadline(idle_timeout_);
}

bool Connection::send(std::string_view frame) {
  // A stranger may be told why it is refused.
  if (!is_open() || (is_admitted() && !may_send())) return false;
  with_output([&](std::string& out) { out += frame; });
  add(component_->counters.sent_messages);
  note_activity();
  return true;
}

void Connection::end(bool by_us) {
  begin_closing(!by_us);
  if (std::exchange(taken_, false)) component_->handler().on_close(*this, by_us);
}

class Server final : public TcpServer {
 public:
  Server(std::unique_ptr<StreamServer> server, std::shared_ptr<Component> component)
      : server_(std::move(server)), component_(std::move(component)) {}
  void stop(std::chrono::milliseconds drain) override { server_->stop(drain); }
  void update(const TcpServerOptions& options) override {
    component_->set_options(std::make_shared<const TcpServerOptions>(options));
  }
  std::uint16_t port() const override { return server_->port(); }
  const StreamCounters& counters() const override { return component_->counters; }
  void list(std::function<void(std::vector<ConnectionInfo>)> done) const override { server_->list(std::move(done)); }

 private:
  const std::unique_ptr<StreamServer> server_;
  const std::shared_ptr<Component> component_;
};

}  // namespace

Result<std::unique_ptr<TcpServer>> TcpServer::start(const TcpServerOptions& options, IoThreads& threads,
                                                    std::shared_ptr<TcpServerHandler> handler) {
  auto component = std::make_shared<Component>(options, threads, std::move(handler));
  JL_TRY(auto server, StreamServer::start(threads, component,
                                          [component](StreamLane& lane, Stream stream, const PeerAddress& peer,
                                                      bool over_limit) -> std::shared_ptr<StreamConnection> {
                                            return std::make_shared<Connection>(component, lane, std::move(stream),
                                                                                peer, over_limit);
                                          }));
  return std::unique_ptr<TcpServer>(std::make_unique<Server>(std::move(server), std::move(component)));
}

}  // namespace jl::network
