#include "daemon/control/server.hpp"

#include "common/base/assert.hpp"
#include "common/control/api.hpp"
#include "daemon/control/connection.hpp"
#include "daemon/control/server_start.hpp"
#include "daemon/control/socket_file.hpp"

#include <pthread.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <thread>

// GCC 12: no braces and no lambda with captures on a line with co_await.
namespace jl::control {
namespace {
namespace asio = boost::asio;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxTurnedAway = 64;
constexpr std::chrono::milliseconds kAcceptPause{100};  // when there are no descriptors left

class SocketServer final : public Server {
 public:
  SocketServer(const ServerOptions& options, Handler handler, logs::AccessLog& access_log, const Clock& clock,
               CallerOf caller_of, SocketFile file)
      : core_(options, std::move(handler), access_log, clock, std::move(caller_of)),
        file_(std::move(file)),
        acceptor_(core_.io, asio::local::stream_protocol(), file_.release_fd()),
        pause_(core_.io),
        work_(core_.io.get_executor()) {
    asio::co_spawn(core_.io, accept_loop(), [](std::exception_ptr error) { report(error, "accept"); });
    thread_ = std::thread([this] { run(); });
  }
  ~SocketServer() override { stop(std::chrono::milliseconds(0)); }

  void stop(std::chrono::milliseconds drain) override {
    const std::lock_guard stopping(stop_mutex_);
    if (!thread_.joinable()) return;
    JL_ASSERT(std::this_thread::get_id() != thread_.get_id());
    file_.remove();
    asio::post(core_.io, [this] { begin_stop(); });
    {
      std::unique_lock lock(drained_mutex_);
      drained_.wait_for(lock, drain, [this] { return is_drained_; });
    }
    asio::post(core_.io, [this] {
      for_all([](Connection& connection) { connection.abort(); });
      work_.reset();
    });
    thread_.join();
  }

  void set_roles(RoleRules roles) override { core_.set_roles(std::move(roles)); }

 private:
  using Connections = std::unordered_set<std::shared_ptr<Connection>>;

  void run() {
    ::pthread_setname_np(::pthread_self(), "jl-control");
    for (;;) {
      try {
        core_.io.run();
        return;
      } catch (...) {
        report(std::current_exception(), "run");
      }
    }
  }

  static void report(const std::exception_ptr& error, std::string_view what) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      log::error("control", "cannot {} error=\"{}\"", what, e.what());
    } catch (...) {
      log::error("control", "cannot {}", what);
    }
  }

  asio::awaitable<void> accept_loop() {
    while (acceptor_.is_open()) {
      auto [ec, socket] = co_await acceptor_.async_accept(kToken);
      if (!acceptor_.is_open()) break;
      if (!ec) {
        take(std::move(socket));
        continue;
      }
      std::uint64_t held = 0;
      if (accept_failures_.allow(core_.clock.steady(), held)) {
        log::warn("control", "cannot accept a connection error=\"{}\" suppressed={}", ec.message(), held);
      }
      pause_.expires_after(kAcceptPause);
      (void)co_await pause_.async_wait(kToken);
    }
  }

  void take(Connection::Socket socket) {
    if (core_.connections.size() < kMaxConnections) {
      auto connection = std::make_shared<Connection>(core_, std::move(socket));
      spawn(core_.connections, connection, connection->run());
    } else if (core_.turned_away.size() < kMaxTurnedAway) {
      auto connection = std::make_shared<Connection>(core_, std::move(socket));
      spawn(core_.turned_away, connection, connection->turn_away());
    }
  }

  void spawn(Connections& among, const std::shared_ptr<Connection>& connection, asio::awaitable<void> work) {
    among.insert(connection);
    asio::co_spawn(core_.io, std::move(work), [this, &among, connection](std::exception_ptr error) {
      report(error, "serve a connection");
      among.erase(connection);
      check_drained();
    });
  }

  // A copy: what is called may end connections.
  template <class Function>
  void for_all(Function function) {
    for (const auto* among : {&core_.connections, &core_.turned_away}) {
      const std::vector<std::shared_ptr<Connection>> all(among->begin(), among->end());
      for (const auto& connection : all) function(*connection);
    }
  }

  void begin_stop() {
    core_.is_stopping = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for_all([](Connection& connection) { connection.stop(); });
    check_drained();
  }

  void check_drained() {
    if (!core_.is_stopping || !core_.connections.empty() || !core_.turned_away.empty()) return;
    {
      const std::lock_guard lock(drained_mutex_);
      is_drained_ = true;
    }
    drained_.notify_all();
  }

  Core core_;
  SocketFile file_;
  asio::local::stream_protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  log::RateLimit accept_failures_;

  std::mutex stop_mutex_;
  std::mutex drained_mutex_;
  std::condition_variable drained_;
  bool is_drained_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace

Result<std::unique_ptr<Server>> start_server(const ServerOptions& options, Handler handler, logs::AccessLog& access_log,
                                             const Clock& clock, std::function<Caller(int fd)> caller_of) {
  JL_TRY(auto file, SocketFile::listen(options.socket_path, options.socket_group));
  return std::unique_ptr<Server>(std::make_unique<SocketServer>(options, std::move(handler), access_log, clock,
                                                                std::move(caller_of), std::move(file)));
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler handler,
                                              logs::AccessLog& access_log, const Clock& clock) {
  return start_server(options, std::move(handler), access_log, clock, caller_of_socket);
}

}  // namespace jl::control
