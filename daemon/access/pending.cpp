#include "daemon/access/pending.hpp"

#include "daemon/device/records.hpp"

namespace jl::access {
namespace json = boost::json;

struct PendingCommands::Command {
  Command(PendingCommands& o, std::string device, std::string id, codec::MessageType r, CommandDone d)
      : owner(o),
        device_id(std::move(device)),
        message_id(std::move(id)),
        reply(r),
        done(std::move(d)),
        timer(on_timeout, this) {}
  PendingCommands& owner;
  std::string device_id, message_id;
  codec::MessageType reply;
  CommandDone done;
  Millis started = 0;
  json::object collected;
  std::size_t fragments = 0;
  network::Timer timer;
};

PendingCommands::PendingCommands(network::TimerWheel& timers) : timers_(timers) {}
PendingCommands::~PendingCommands() { fail_all(Errc::connection_lost); }

void PendingCommands::add(std::string device_id, std::string message_id, codec::MessageType reply, Millis timeout,
                          CommandDone done) {
  auto command = std::make_unique<Command>(*this, std::move(device_id), std::move(message_id), reply, std::move(done));
  command->started = timers_.now();
  timers_.set(command->timer, timeout);
  commands_.push_back(std::move(command));
}

void PendingCommands::on_timeout(void* raw) {
  auto* command = static_cast<Command*>(raw);
  PendingCommands& owner = command->owner;
  for (auto it = owner.commands_.begin(); it != owner.commands_.end(); ++it) {
    if (it->get() == command) {
      owner.finish(
          it,
          Error(Errc::timeout, "device \"" + command->device_id + "\" did not answer in time",
                "is the property or function known to the device's firmware? raise --reply-timeout to wait longer"));
      return;
    }
  }
}

void PendingCommands::finish(List::iterator at, Result<CommandReply> result) {
  // Taken out first: the callback may add the next command.
  auto command = std::move(*at);
  commands_.erase(at);
  command->done(std::move(result));
}

bool PendingCommands::complete(const codec::DeviceMessage& reply) {
  if (!codec::is_reply(reply.type)) return false;
  const std::string& wanted = reply.headers.frag_msg_id.empty() ? reply.message_id : reply.headers.frag_msg_id;
  for (auto it = commands_.begin(); it != commands_.end(); ++it) {
    Command& command = **it;
    if (command.device_id != reply.device_id) continue;
    const bool by_type = (reply.headers.reply_no_message_id || wanted.empty()) && command.reply == reply.type;
    if (!by_type && (command.message_id != wanted || wanted.empty())) continue;

    json::value parsed = device::parse_stored(reply.json);
    if (!parsed.is_object()) return false;
    json::object& message = parsed.as_object();
    if (!reply.headers.frag_msg_id.empty() && reply.success) {
      if (++command.fragments > kMaxFragments) {
        finish(it, Error(Errc::device_error, "device \"" + command.device_id + "\" sent too many parts of an answer"));
        return true;
      }
      if (auto* part = message.if_contains("properties"); part && part->is_object()) {
        auto& all = command.collected["properties"];
        if (!all.is_object()) all = json::object();
        for (auto& entry : part->as_object()) all.as_object()[entry.key()] = entry.value();
      }
      const bool complete =
          reply.headers.frag_last ||
          (reply.headers.frag_num > 0 && command.fragments >= static_cast<std::size_t>(reply.headers.frag_num));
      if (!complete) return true;
      for (auto& entry : command.collected) message[entry.key()] = entry.value();
    }
    CommandReply out{command.message_id, std::move(message), timers_.now() - command.started};
    if (reply.success) {
      finish(it, std::move(out));
    } else {
      std::string text = "device \"" + command.device_id + "\" answered with a failure";
      if (!reply.code.empty()) text += " " + reply.code;
      if (!reply.text.empty()) text += ": " + reply.text;
      finish(it, Error(Errc::device_error, std::move(text)));
    }
    return true;
  }
  return false;
}

void PendingCommands::fail_all(Errc code) {
  while (!commands_.empty()) {
    finish(commands_.begin(), Error(code, "device \"" + commands_.front()->device_id + "\" left before it answered"));
  }
}

}  // namespace jl::access
