// Applications on an MQTT server component: users with a password and topics of their own.
#include "daemon/access/mqtt_access.hpp"
#include "daemon/access/mqtt_attachment.hpp"
#include "daemon/access/northbound.hpp"

#include <fmt/format.h>
#include <random>

namespace jl::access {
using wire::mqtt::ReasonCode;

namespace {

TopicAcl rights_of(const device::UserInfo& user) {
  std::vector<model::TopicGrant> grants;
  for (const auto& filter : user.publish) grants.push_back({filter, model::TopicAction::publish});
  for (const auto& filter : user.subscribe) grants.push_back({filter, model::TopicAction::subscribe});
  return TopicAcl(grants);
}

std::string new_client_id() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("app-{:016x}", random());
}

}  // namespace

void MqttAccess::connect_application(network::MqttConnection& connection, const wire::mqtt::ConnectView& connect,
                                     std::shared_ptr<const device::UserInfo> user) {
  if (!user->enabled) {
    return refuse(connection, {Refusal::Kind::unauthenticated, "user is disabled", nullptr}, connect.client_id);
  }
  const bool is_assigned = connect.client_id.empty();
  broker::Arrival arrival{is_assigned ? new_client_id() : std::string(connect.client_id), user->id, connect.clean_start,
                          connection.session_expiry()};
  // The view dies with this call; the connection may be gone when the answer comes.
  services_.passwords.check(
      user->password_hash, Secret(std::string(connect.password)), connection.thread(),
      [this, weak = connection.weak_from_this(), arrival = std::move(arrival), user,
       is_assigned](PasswordCheck::Outcome outcome) {
        const auto alive = weak.lock();
        if (!alive || !alive->is_deciding()) return;
        switch (outcome) {
          case PasswordCheck::Outcome::right:
            return admit_application(*alive, arrival, user, is_assigned);
          case PasswordCheck::Outcome::wrong:
            return refuse(*alive, {Refusal::Kind::unauthenticated, "wrong password", nullptr}, arrival.client_id);
          case PasswordCheck::Outcome::busy:
            break;
        }
        refuse(*alive, {Refusal::Kind::busy, "too many logins at once", nullptr}, arrival.client_id);
      });
}

bool MqttAccess::is_unchanged(const device::UserInfo& user) const {
  const auto current = services_.catalogs.current()->user(network_id_, user.username);
  return current && current->id == user.id && current->enabled && current->password_hash == user.password_hash &&
         current->publish == user.publish && current->subscribe == user.subscribe;
}

void MqttAccess::admit_application(network::MqttConnection& connection, broker::Arrival arrival,
                                   const std::shared_ptr<const device::UserInfo>& user, bool is_assigned) {
  // A change that was committed meanwhile, and looked for connections before this one was there, closed none.
  const auto current = services_.catalogs.current()->user(network_id_, user->username);
  if (!current || !current->enabled || current->password_hash != user->password_hash) {
    return refuse(connection, {Refusal::Kind::unauthenticated, "the user changed just now", nullptr},
                  arrival.client_id);
  }
  // Device ids are taken: an application that used one would throw the device out.
  const auto device = context_.directory.find(arrival.client_id);
  if (!device || *device) {
    return refuse(connection, {Refusal::Kind::bad_client_id, "the client id is a device's", nullptr},
                  arrival.client_id);
  }
  Attachment& attachment = of(connection);
  attachment.application =
      std::make_unique<Attachment::Application>(Attachment::Application{current, rights_of(*current)});
  if (const auto* will = connection.will(); will && !attachment.may_leave(will->topic)) {
    return refuse(connection, {Refusal::Kind::not_authorized, "may not publish its will", nullptr}, arrival.client_id);
  }
  join(connection, std::move(arrival), is_assigned);
}

ReasonCode MqttAccess::publish_of_application(Attachment& application, const wire::mqtt::PublishView& publish,
                                              network::IoThread& thread) {
  if (!application.may_publish(publish.topic)) return ReasonCode::not_authorized;
  if (!publish.topic.starts_with(kNorthbound)) return route(application, publish, thread);
  // Below /device/ only devices speak; applications send them commands.
  const auto command = command_of(publish.topic);
  if (!command || publish.retain) return ReasonCode::not_authorized;
  const ReasonCode routed = route(application, publish, thread);
  send_command(services_.commands, context_, broker_, thread, *command, publish.payload, services_.command_timeout);
  return routed == ReasonCode::no_matching_subscribers ? ReasonCode::success : routed;
}

}  // namespace jl::access
