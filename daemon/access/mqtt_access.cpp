#include "daemon/access/mqtt_access.hpp"

#include "daemon/access/mqtt_attachment.hpp"
#include "daemon/access/mqtt_link.hpp"
#include "daemon/access/northbound.hpp"

#include <algorithm>

namespace jl::access {
using wire::mqtt::CloseCause;
using wire::mqtt::ReasonCode;

namespace {

ReasonCode reason_of(Refusal::Kind kind) {
  switch (kind) {
    case Refusal::Kind::unavailable:
      return ReasonCode::server_unavailable;
    case Refusal::Kind::bad_client_id:
      return ReasonCode::client_identifier_not_valid;
    case Refusal::Kind::not_authorized:
      return ReasonCode::not_authorized;
    case Refusal::Kind::quota:
      return ReasonCode::quota_exceeded;
    case Refusal::Kind::busy:
      return ReasonCode::server_busy;
    case Refusal::Kind::unauthenticated:
      break;
  }
  // One answer for every reason that could tell a stranger which device ids exist.
  return ReasonCode::bad_user_name_or_password;
}

}  // namespace

void MqttAccess::refuse(network::MqttConnection& connection, const Refusal& refusal, std::string_view client_id) {
  if (refusal.counters) refusal.counters->rejected.fetch_add(1, std::memory_order_relaxed);
  std::uint64_t held = 0;
  if (refusal_log_.allow(context_.clock.steady(), held)) {
    const std::string id =
        is_printable_utf8(client_id) ? std::string(client_id.substr(0, 64)) : std::string("(unprintable)");
    const std::string_view subject = connection.tls_subject();
    log::warn("access.mqtt", "refused network={} client={} peer={}{}{} reason=\"{}\" more={}", network_id_, id,
              connection.peer(), subject.empty() ? "" : " tls=", subject, refusal.why, held);
  }
  connection.refuse(reason_of(refusal.kind), refusal.why);
}

MqttAccess::Attachment& MqttAccess::of(const network::MqttConnection& connection) {
  return static_cast<Attachment&>(*connection.attachment);
}

void MqttAccess::on_connect(network::MqttConnection& connection, const wire::mqtt::ConnectView& connect) {
  connection.attachment = std::make_unique<Attachment>();
  if (const auto redirect = redirect_.load(); !redirect->server.empty()) {
    return connection.refuse(redirect->permanent ? ReasonCode::server_moved : ReasonCode::use_another_server, {},
                             redirect->server);
  }
  if (connect.has_username) {
    const auto catalog = services_.catalogs.current();
    if (auto user = catalog->user(network_id_, connect.username))
      return connect_application(connection, connect, std::move(user));
  }
  connect_device(connection, connect);
}

void MqttAccess::join(network::MqttConnection& connection, broker::Arrival arrival, bool is_assigned) {
  const std::uint32_t asked = arrival.session_expiry;
  const std::string client_id = arrival.client_id;
  broker_->connect(connection.shared_from_this(), std::move(arrival),
                   [this, &connection, asked, client_id, is_assigned](broker::Admission admitted) {
                     if (!admitted.client) {
                       const auto kind = admitted.is_in_use ? Refusal::Kind::bad_client_id : Refusal::Kind::quota;
                       return refuse(connection, {kind, admitted.why, nullptr}, client_id);
                     }
                     Attachment& attachment = of(connection);
                     attachment.client = std::move(admitted.client);
                     wire::mqtt::AcceptOptions options;
                     options.session_present = admitted.session_present;
                     options.session = std::move(admitted.state);
                     if (admitted.session_expiry != asked) options.session_expiry = admitted.session_expiry;
                     if (is_assigned) options.assigned_client_id = client_id;
                     if (attachment.application) options.response_information = response_topic(client_id);
                     const auto user = attachment.application ? attachment.application->user : nullptr;
                     connection.accept(std::move(options));
                     if (const auto device = attachment.device) device->greet();
                     // A change that was committed while the client id was taken over found this one nowhere.
                     if (user && !is_unchanged(*user))
                       connection.close(CloseCause::administrative, ReasonCode::administrative_action);
                   });
}

ReasonCode MqttAccess::route(Attachment& from, const wire::mqtt::PublishView& publish, network::IoThread& thread) {
  auto message = std::make_shared<broker::StoredMessage>();
  message->topic = publish.topic;
  message->payload = publish.payload;
  message->properties = publish.properties;
  message->qos = publish.qos;
  message->retain = publish.retain;
  if (publish.message_expiry) message->expires_at = context_.clock.now() + Millis{1000} * *publish.message_expiry;
  return broker_->publish(message, from.client.get(), thread);
}

ReasonCode MqttAccess::on_publish(network::MqttConnection& connection, const wire::mqtt::PublishView& publish) {
  Attachment& client = of(connection);
  if (client.device) return publish_of_device(client, publish, connection.thread());
  if (client.application) return publish_of_application(client, publish, connection.thread());
  return ReasonCode::not_authorized;
}

ReasonCode MqttAccess::on_subscribe(network::MqttConnection& connection, std::string_view filter,
                                    const wire::mqtt::SubscribeOptions& options) {
  Attachment& client = of(connection);
  if (!client.client || !client.may_subscribe(filter)) return ReasonCode::not_authorized;
  const auto* session = connection.session();
  const bool is_new = !session || std::ranges::find(session->subscriptions, filter,
                                                    &wire::mqtt::Subscription::filter) == session->subscriptions.end();
  broker_->subscribe(*client.client, filter, options, is_new);
  return static_cast<ReasonCode>(options.qos);
}

void MqttAccess::on_subscribed(network::MqttConnection& connection) {
  if (const auto& client = of(connection).client) broker_->subscribed(*client);
}

void MqttAccess::on_unsubscribe(network::MqttConnection& connection, std::string_view filter) {
  const auto& client = of(connection).client;
  if (!client) return;
  broker_->unsubscribe(*client, filter);
  broker_->remember(*client);
}

void MqttAccess::on_sent(network::MqttConnection& connection, std::uint64_t tag, std::uint16_t packet_id,
                         std::uint8_t qos) {
  if (const auto& client = of(connection).client) broker_->sent(*client, tag, packet_id, qos);
}

void MqttAccess::on_received(network::MqttConnection& connection, std::uint64_t tag) {
  if (const auto& client = of(connection).client) broker_->received(*client, tag);
}

void MqttAccess::on_finished(network::MqttConnection& connection, std::uint64_t tag) {
  if (const auto& client = of(connection).client) broker_->finished(*client, tag);
}

void MqttAccess::on_inbound(network::MqttConnection& connection, std::uint16_t packet_id, bool held) {
  if (const auto& client = of(connection).client) broker_->inbound(*client, packet_id, held);
}

void MqttAccess::on_drained(network::MqttConnection& connection) {
  if (const auto& client = of(connection).client) broker_->drained(*client);
}

void MqttAccess::on_close(network::MqttConnection& connection, CloseCause cause, bool will) {
  Attachment& client = of(connection);
  const wire::mqtt::Will* message = will ? connection.will() : nullptr;
  if (client.device) {
    if (message && !client.is_granted(message->topic)) {
      (void)client.device->on_uplink({message->topic, message->payload});
      message = nullptr;
    }
    client.device->on_close(cause != CloseCause::administrative && cause != CloseCause::server_shutdown);
  }
  if (!client.client) return;
  wire::mqtt::MessagePtr left;
  if (message && client.may_leave(message->topic)) left = message_of(*message, context_.clock.now());
  broker_->closed(*client.client, connection, std::move(left), message ? message->delay_seconds : 0);
}

}  // namespace jl::access
