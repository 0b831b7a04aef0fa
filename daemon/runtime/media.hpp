#pragma once
// The media side of the runtime: keeps the pool of media servers in step with the resources, and says how they do.
// Changes come on the mutation thread; status from any thread.
#include "daemon/base/published.hpp"
#include "daemon/device/secrets.hpp"
#include "daemon/media/server_pool.hpp"
#include "daemon/runtime/component.hpp"

#include <boost/json.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace jl::runtime {

struct ResourceChange;

class Media {
 public:
  Media(const Materials& materials, const device::Secrets& secrets);
  ~Media();
  Media(const Media&) = delete;

  /// Reads the media servers and begins to ask them. Errors: storage.
  Status boot(const store::Snapshot& snapshot, const CertSource& certs);
  void commit(const std::vector<ResourceChange>& changes, const CertSource& certs);
  void stop();

  /// The `status` member of a media server's document.
  [[nodiscard]] boost::json::object status_of(const model::Resource& resource) const;
  /// Asks a server now, enabled or not. `done` on any thread. Errors: not_found.
  void test(const std::string& id, std::function<void(Result<media::Checkup>)> done) const;
  /// How each enabled server does, for metrics.
  [[nodiscard]] std::vector<std::pair<std::string, media::Health>> states() const;

 private:
  void configure(const CertSource& certs);

  using Configs = std::map<std::string, media::ServerConfig, std::less<>>;
  const device::Secrets& secrets_;
  std::shared_ptr<network::HttpClient> client_;
  Published<Configs> configs_;                                   // replaced on the mutation thread
  std::map<std::string, model::Resource, std::less<>> servers_;  // sealed; on the mutation thread
  std::shared_ptr<media::ServerPool> pool_;
};

/// A checkup as people see it: result, reason, version, serverId, ports, load.
[[nodiscard]] boost::json::object checkup_json(const media::Checkup& checkup);

}  // namespace jl::runtime
