#include "daemon/network/coap_server.hpp"

#include "common/base/assert.hpp"
#include "daemon/network/coap_core.hpp"
#include "daemon/network/tls_context.hpp"

#include <future>

namespace jl::network {
namespace {

constexpr std::chrono::seconds kStopLimit{5};

/// What DTLS presents and trusts; nullptr = shared keys only, or no DTLS.
Result<std::shared_ptr<const TlsContext>> dtls_of(const CoapServerOptions& options) {
  if (!options.secure) return std::shared_ptr<const TlsContext>();
  if (options.bundle == nullptr) {
    if (!options.mutual) return std::shared_ptr<const TlsContext>();
    return Error{Errc::invalid, "requiring client certificates needs a certificate", {}, "certId"};
  }
  return TlsContext::server({.bundle = options.bundle, .alias = options.alias, .mutual = options.mutual});
}

class Server final : public CoapServer {
 public:
  explicit Server(std::shared_ptr<CoapCore> core) : core_(std::move(core)) {}
  ~Server() override { stop(); }

  bool notify(ObserverId id, std::string_view payload, int content_format) override {
    return core_->notify(id, payload, content_format);
  }
  void end_observation(ObserverId id) override { core_->end_observation(id); }
  IoThread& thread() const override { return core_->thread(); }
  std::uint16_t port() const override { return core_->port(); }
  const CoapCounters& counters() const override { return core_->counters; }

  void stop() override {
    if (stopped_) return;
    stopped_ = true;
    JL_ASSERT(!thread().is_current());
    auto done = std::make_shared<std::promise<void>>();
    auto is_done = done->get_future();
    thread().post([core = core_, done = std::move(done)] {
      core->end();
      done->set_value();
    });
    // Ends at once when the thread has stopped and dropped the work; the limit is for one that never started.
    is_done.wait_for(kStopLimit);
  }

  Status update(const CoapServerOptions& options) override {
    JL_TRY(auto dtls, dtls_of(options));
    thread().post([core = core_, options, dtls = std::move(dtls)] { core->update(options, dtls); });
    return {};
  }

 private:
  const std::shared_ptr<CoapCore> core_;
  bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<CoapServer>> CoapServer::start(const CoapServerOptions& options, IoThreads& threads,
                                                      std::shared_ptr<CoapServerHandler> handler) {
  JL_TRY(auto dtls, dtls_of(options));
  // The same thread for all of them: libcoap 4.3.1 has static buffers, and counts what it sends without a lock.
  IoThread& thread = threads.at(threads.size() - 1);
  JL_TRY(auto core, CoapCore::open(options, std::move(dtls), thread, std::move(handler)));
  thread.post([core] { core->begin(); });
  return std::unique_ptr<CoapServer>(std::make_unique<Server>(std::move(core)));
}

}  // namespace jl::network
