#include "daemon/device/catalog.hpp"

#include "common/model/product.hpp"
#include "common/model/protocol.hpp"
#include "common/model/user.hpp"
#include "daemon/base/log.hpp"

namespace jl::device {

std::shared_ptr<const UserInfo> Catalog::user(std::string_view network_id, std::string_view username) const {
  for (const auto& [id, user] : users) {
    if (user->network_id == network_id && user->username == username) return user;
  }
  return nullptr;
}

const codec::Protocol* Catalog::codec_of(const GatewayInfo& gateway) const {
  const auto protocol = find(protocols, gateway.protocol_id);
  return protocol && protocol->enabled ? protocol->codec : nullptr;
}

const codec::Protocol* Catalog::codec_of(const ProductInfo& product) const {
  const auto gateway = this->gateway(product.gateway_id);
  return gateway ? codec_of(*gateway) : nullptr;
}

void Catalogs::set(Catalog& catalog, const model::Resource& resource) const {
  if (resource.kind == "product") {
    const auto spec = model::from_json<model::Product>(resource.spec);
    auto info = std::make_shared<ProductInfo>();
    info->id = resource.id;
    info->enabled = resource.enabled;
    info->gateway_id = spec.access_id.id;
    std::vector<Problem> problems;
    info->has_model = !spec.metadata.is_null();
    info->things = model::parse_thing_model(spec.metadata, "metadata", problems);
    if (auto config = secrets_->open_config(resource)) {
      info->configuration = std::make_shared<const codec::Configuration>(std::move(*config));
    } else {
      log::error("device.catalog", "product={} cannot open its configuration: {}", resource.id, config.error().message);
    }
    catalog.products[resource.id] = std::move(info);
  } else if (resource.kind == "protocol") {
    auto info = std::make_shared<ProtocolInfo>();
    info->id = resource.id;
    info->enabled = resource.enabled;
    if (protocols_) {
      info->codec = protocols_->use(resource, clock_->now());
    } else if (model::from_json<model::Protocol>(resource.spec).type == model::ProtocolType::builtin) {
      info->codec = &codec::official_protocol();
    }
    catalog.protocols[resource.id] = std::move(info);
  } else if (resource.kind == "gateway") {
    const auto spec = model::from_json<model::Gateway>(resource.spec);
    auto info = std::make_shared<GatewayInfo>();
    info->id = resource.id;
    info->enabled = resource.enabled;
    info->provider = spec.provider;
    info->network_id = spec.channel_id.id;
    info->protocol_id = spec.protocol.id;
    info->product_only = spec.product_only;
    info->topic_acl = spec.topic_acl;
    catalog.gateways[resource.id] = std::move(info);
  } else if (resource.kind == "user") {
    model::Resource opened = resource;
    auto info = std::make_shared<UserInfo>();
    if (const Status revealed = secrets_->reveal(opened); !revealed) {
      log::error("device.catalog", "user={} cannot be opened: {}", resource.id, revealed.error().message);
    } else {
      info->enabled = resource.enabled;
    }
    auto spec = model::from_json<model::User>(opened.spec);
    info->id = resource.id;
    info->network_id = spec.network.id;
    info->username = spec.username.empty() ? resource.id : spec.username;
    info->password_hash = std::move(spec.password);
    info->publish = std::move(spec.publish);
    info->subscribe = std::move(spec.subscribe);
    catalog.users[resource.id] = std::move(info);
  } else if (resource.kind == "cert") {
    auto opened = open_cert(resource, *secrets_);
    auto info = std::make_shared<CertInfo>();
    if (opened) {
      *info = std::move(*opened);
    } else {
      info->id = resource.id;
      info->problem = opened.error().message;
      log::error("device.catalog", "cert={} cannot be read: {}", resource.id, opened.error().message);
    }
    catalog.certs[resource.id] = std::move(info);
  }
}

Status Catalogs::load(const store::Snapshot& snapshot) {
  auto next = std::make_shared<Catalog>();
  for (const char* kind : {"cert", "user", "protocol", "gateway", "product"}) {
    const std::string from = store::key({kind, ""});
    JL_CHECK(snapshot.scan(store::Family::resources, from, store::prefix_end(from), false,
                           [&](std::string_view key, std::string_view value, store::Revision revision) {
                             auto resource = model::from_stored(kind, store::key_part(key, 1), value, revision);
                             // One bad record must not keep all others from being served.
                             if (!resource) {
                               log::error("device.catalog", "{}", resource.error().message);
                               return true;
                             }
                             set(*next, *resource);
                             return true;
                           }));
  }
  current_.store(std::move(next));
  return {};
}

void Catalogs::update(std::string_view kind, std::string_view id, const model::Resource* resource) {
  if (kind != "product" && kind != "protocol" && kind != "gateway" && kind != "cert" && kind != "user") return;
  auto next = std::make_shared<Catalog>(*current_.load());
  if (resource) {
    set(*next, *resource);
  } else if (kind == "product") {
    next->products.erase(std::string(id));
  } else if (kind == "user") {
    next->users.erase(std::string(id));
  } else if (kind == "cert") {
    next->certs.erase(std::string(id));
  } else if (kind == "protocol") {
    next->protocols.erase(std::string(id));
    if (protocols_) protocols_->forget(std::string(id));
  } else {
    next->gateways.erase(std::string(id));
  }
  current_.store(std::move(next));
}

}  // namespace jl::device
