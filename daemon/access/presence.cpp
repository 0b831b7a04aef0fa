#include "daemon/access/presence.hpp"

#include "daemon/access/device_session.hpp"
#include "daemon/device/records.hpp"

namespace jl::access {
namespace json = boost::json;

void record_session(const Context& context, const Session& session, bool online, network::IoThread& thread) {
  if (!online) {
    if (const auto device = context.directory.find(session.device_id); device && !*device) return;
  }
  device::TurnLog& log = context.log_of(thread);
  const Millis now = context.clock.now();
  device::state_key(log.key_buffer, session.product_id, session.device_id);
  log.put(store::Family::devices, log.key_buffer,
          device::to_record(
              {online, online ? session.since : now, session.address, session.gateway_id, session.parent_id}));
  codec::DeviceMessage message;
  message.type = online ? codec::MessageType::online : codec::MessageType::offline;
  message.device_id = session.device_id;
  message.timestamp = now;
  json::object body{{"messageType", codec::to_string(message.type)},
                    {"deviceId", session.device_id},
                    {"timestamp", now},
                    {"headers", json::object{{"from", "session"}}}};
  if (session.is_child()) body["headers"].as_object()["parentId"] = session.parent_id;
  message.json = json::serialize(body);
  context.bus.publish({message, session.product_id, session.device_id, now}, log);
}

void end_session(const Context& context, const std::shared_ptr<const Session>& session) {
  const auto live = session->live.lock();
  if (live && session->is_child()) return live->drop_child(session->device_id);
  if (live) live->end(EndReason::administrative);
  // Without a connection, or with one that was closing already, it was kept online.
  if (context.sessions.remove(*session)) record_session(context, *session, false, *session->thread);
}

}  // namespace jl::access
