#pragma once
// What the I/O threads need to know of products, gateways, protocols and certs: an immutable picture, replaced as a
// whole when one of them changes. Devices are too many for it and are read from the store one by one.
#include "common/model/gateway.hpp"
#include "common/model/thing_model.hpp"
#include "daemon/base/clock.hpp"
#include "daemon/base/published.hpp"
#include "daemon/codec/protocol.hpp"
#include "daemon/device/cert_info.hpp"
#include "daemon/device/protocols.hpp"
#include "daemon/device/secrets.hpp"
#include "daemon/store/store.hpp"

#include <map>
#include <memory>
#include <string>

namespace jl::device {

struct ProductInfo {
  std::string id;
  bool enabled = false;
  std::string gateway_id;                                     ///< accessId
  std::shared_ptr<const codec::Configuration> configuration;  ///< nullptr when it cannot be opened
  bool has_model = false;                                     ///< of its own
  model::ThingModel things;
};

struct ProtocolInfo {
  std::string id;
  bool enabled = false;
  const codec::Protocol* codec = nullptr;  ///< nullptr when it could not be loaded
};

struct GatewayInfo {
  std::string id;
  bool enabled = false;
  model::GatewayProvider provider{};
  std::string network_id;
  std::string protocol_id;
  bool product_only = false;
  std::vector<model::TopicGrant> topic_acl;
};

/// An application that may log in to an MQTT server component.
struct UserInfo {
  std::string id;
  bool enabled = false;
  std::string network_id, username;
  Secret password_hash;
  std::vector<std::string> publish, subscribe;  ///< filters
};

struct Catalog {
  template <class T>
  using Map = std::map<std::string, std::shared_ptr<const T>, std::less<>>;
  Map<ProductInfo> products;
  Map<ProtocolInfo> protocols;
  Map<GatewayInfo> gateways;
  Map<CertInfo> certs;
  Map<UserInfo> users;

  [[nodiscard]] std::shared_ptr<const ProductInfo> product(std::string_view id) const { return find(products, id); }
  [[nodiscard]] std::shared_ptr<const GatewayInfo> gateway(std::string_view id) const { return find(gateways, id); }
  [[nodiscard]] std::shared_ptr<const CertInfo> cert(std::string_view id) const { return find(certs, id); }
  /// The user of a network component who has this name; nullptr when there is none.
  [[nodiscard]] std::shared_ptr<const UserInfo> user(std::string_view network_id, std::string_view username) const;
  /// The codec of an enabled protocol; nullptr when there is none.
  [[nodiscard]] const codec::Protocol* codec_of(const GatewayInfo& gateway) const;
  /// The codec that serves a product through its gateway; nullptr when the product has none.
  [[nodiscard]] const codec::Protocol* codec_of(const ProductInfo& product) const;

 private:
  template <class T>
  static std::shared_ptr<const T> find(const Map<T>& map, std::string_view id) {
    const auto it = map.find(id);
    return it == map.end() ? nullptr : it->second;
  }
};

/// Publishes catalogs. current() from any thread; the rest from the mutation thread.
class Catalogs {
 public:
  /// `protocols` null: packages are not loaded, only the built-in protocol works.
  explicit Catalogs(const Secrets& secrets, Protocols* protocols = nullptr, const Clock* clock = nullptr)
      : secrets_(&secrets), protocols_(protocols), clock_(clock ? clock : &system_clock()) {}
  [[nodiscard]] std::shared_ptr<const Catalog> current() const { return current_.load(); }
  /// Reads everything anew. Errors: corrupt, storage.
  Status load(const store::Snapshot& snapshot);
  /// Takes over one changed resource (nullptr: deleted). Ignores kinds that are not in a catalog.
  void update(std::string_view kind, std::string_view id, const model::Resource* resource);

 private:
  void set(Catalog& catalog, const model::Resource& resource) const;
  const Secrets* secrets_;
  Protocols* protocols_;
  const Clock* clock_;
  Published<Catalog> current_;
};

}  // namespace jl::device
