#pragma once
// Users of an MQTT server component (应用用户): applications that read what devices send, and send them commands, over
// MQTT. Devices are no users: their product's protocol authenticates them.
#include "common/model/describe.hpp"

#include <string>
#include <vector>

namespace jl::model {

struct User {
  Reference network;
  std::string username;
  Secret password;
  std::vector<std::string> publish;
  std::vector<std::string> subscribe;
};

/// A list of MQTT topic filters (MQTT 5 §4.7): levels, "+" for one, "#" for the rest.
void check_filters(json::value& value, const std::string& path, std::vector<Problem>& problems);

template <class V>
void describe(V& v, User& s) {
  v.field("networkId", s.network)
      .required()
      .refers_to("network")
      .flag("network")
      .help("MQTT server component that it logs in to (网络组件)")
      .example("mqtt-1");
  v.field("username", s.username).max_length(64).help("name that it logs in with; default: the id (用户名)");
  v.field("password", s.password).required().hashed().help("what it logs in with; only a hash of it is kept (密码)");
  v.field("publish", s.publish)
      .max_length(64)
      .check(check_filters)
      .help("topics that it may publish to, as filters; none = it only listens (发布权限)")
      .example("/device/+/+/message/send/#");
  v.field("subscribe", s.subscribe)
      .max_length(64)
      .check(check_filters)
      .help("topics that it may subscribe to, as filters (订阅权限)")
      .example("/device/#");
}

}  // namespace jl::model
