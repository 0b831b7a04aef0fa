#include "cli/output/view.hpp"

namespace jl::cli {
namespace {

void field_paths(std::vector<std::string>& out, const model::Table& table, const std::string& path) {
  for (const model::Field& field : table.fields) {
    if (field.ignored) continue;
    out.push_back(path + field.key);
    if (field.type == model::Type::object && field.table) field_paths(out, *field.table, path + field.key + ".");
    for (const model::Variant& variant : field.variants) field_paths(out, *variant.table, path + field.key + ".");
    // The keys of a map are anybody's.
    if (field.type == model::Type::map || field.type == model::Type::config || field.type == model::Type::json) {
      out.push_back(path + field.key + ".");
    }
  }
}

struct Row {
  std::string_view label;
  View view;
};

const std::vector<Row>& rows() {
  const std::vector<model::Column> message{{"TIME", "time"},
                                           {"PRODUCT", "productId", true},
                                           {"DEVICE", "deviceId"},
                                           {"TYPE", "type"},
                                           {"MESSAGE", "message"}};
  const std::vector<model::Column> point_value{
      {"ID", "id"},         {"VALUE", "value"}, {"QUALITY", "quality"},      {"HEX", "hex"},
      {"RTT", "rtt", true}, {"TIME", "at"},     {"MESSAGE", "error.message"}};
  const View task_change{"mutation",
                         {{"KIND", "kind"}, {"ID", "id"}, {"RESULT", "result"}, {"DEVICES", "devices"}},
                         "id",
                         "ota-task/",
                         {"status", "status.", "revision"}};
  static const std::vector<Row> table{
      {"network clients",
       {"client",
        {{"CLIENT", "clientId"},
         {"ROLE", "role"},
         {"USER", "user"},
         {"CONNECTED", "connected"},
         {"ADDRESS", "address"},
         {"SINCE", "since"},
         {"VERSION", "version", true},
         {"SUBSCRIPTIONS", "subscriptions"},
         {"QUEUED", "queued"},
         {"INFLIGHT", "inFlight", true},
         {"TLS", "tlsSubject", true}},
        "clientId",
        "",
        {"filters", "keepAlive", "sessionExpiry", "persistent", "silentFor", "tlsVersion"}}},
      {"network frame-test",
       {"read", {{"READ", "read"}, {"BYTES", "bytes"}, {"FRAMES", "frames"}, {"KEPT", "kept"}}, "read"}},
      {"protocol decode", {"decoded", {}, "device"}},
      {"protocol encode", {"encoded", {}, "sent"}},
      {"protocol test",
       {"testCase",
        {{"RESULT", "result"}, {"NAME", "name"}, {"PLACE", "place"}, {"DIFFERENCE", "difference"}},
        "name",
        "",
        {"logs"}}},
      {"protocol routes",
       {"route",
        {{"TRANSPORT", "transport"},
         {"METHOD", "method", true},
         {"TOPIC", "topic"},
         {"UP", "upstream"},
         {"DOWN", "downstream"},
         {"QOS", "qos", true},
         {"GROUP", "group", true},
         {"DESCRIPTION", "description"}},
        "topic",
        "",
        {"example"}}},
      {"protocol document", {"document", {{"TRANSPORT", "transport"}, {"DOCUMENT", "document"}}, "transport"}},
      {"protocol trace",
       {"traceRecord",
        {{"TIME", "time"},
         {"EVENT", "event"},
         {"TRANSPORT", "transport", true},
         {"TOPIC", "topic", true},
         {"SIZE", "size", true},
         {"HEX", "hex"},
         {"TEXT", "text"},
         {"MESSAGES", "messages"},
         {"ERROR", "error"}},
        "device",
        "",
        {"device", "path", "method", "reason", "cut"}}},
      {"network sub",
       {"mqttMessage",
        {{"TIME", "time"},
         {"TOPIC", "topic"},
         {"QOS", "qos", true},
         {"RETAINED", "retained", true},
         {"PAYLOAD", "payload"}},
        "topic",
        "",
        {"payloadBase64"}}},
      {"network pub", {"published", {}, "id"}},
      {"device messages", {"message", message, "deviceId", "device/"}},
      {"message tail", {"message", message, "deviceId", "device/"}},
      {"device state", {"deviceState", {{"ID", "id"}, {"STATE", "state"}}, "id", "device/", {"properties."}}},
      {"log access",
       {"accessRecord",
        {{"TIME", "time"},
         {"USER", "user"},
         {"ACTION", "action"},
         {"OBJECT", "object"},
         {"STATUS", "status"},
         {"CODE", "code", true},
         {"DURATION", "duration"},
         {"ROLE", "role", true},
         {"PID", "pid", true},
         {"REVISION", "revisionAfter", true},
         {"PATH", "path", true},
         {"ERROR", "error"}},
        "id",
        "",
        {"id", "method", "uid", "claimed", "claimed.", "httpStatus", "revisionBefore", "parameters", "parameters."}}},
      {"log system",
       {"systemRecord",
        {{"TIME", "time"}, {"LEVEL", "level"}, {"LOGGER", "logger"}, {"MESSAGE", "message"}},
        "id",
        "",
        {"id"}}},
      {"watch",
       {"change",
        {{"EVENT", "event"}, {"KIND", "kind"}, {"ID", "id"}, {"REVISION", "revision"}},
        "id",
        "",
        {"data", "data."}}},
      {"modbus read", {"modbusValue", {}, "value"}},
      {"modbus write", {"modbusValue", {}, "value"}},
      {"modbus test", {"modbusTest", {}, "address"}},
      {"modbus scan",
       {"modbusUnit", {{"UNIT", "unit"}, {"ANSWERS", "answers"}, {"RTT", "rtt"}, {"ANSWER", "answer"}}, "unit"}},
      {"modbus watch",
       {"modbusRecord",
        {{"TIME", "at"},
         {"POINT", "point"},
         {"VALUE", "value"},
         {"STATUS", "quality"},
         {"HEX", "hex"},
         {"RTT", "rtt", true},
         {"ERROR", "error"}},
        "point",
        "modbus-point/",
        {"frame", "state", "reason"}}},
      {"modbus plan",
       {"modbusRequest",
        {{"INTERVAL", "interval"},
         {"UNIT", "unit"},
         {"FUNCTION", "function"},
         {"START", "start"},
         {"COUNT", "count"},
         {"POINTS", "points"},
         {"BAD", "bad", true},
         {"IDS", "ids", true}},
        "start"}},
      {"modbus bindings",
       {"modbusBinding",
        {{"DEVICE", "device"},
         {"PROPERTY", "property"},
         {"POINT", "point"},
         {"CHANNEL", "channel"},
         {"QUALITY", "quality"}},
        "device",
        "device/"}},
      {"modbus point read", {"modbusPointValue", point_value, "id", "modbus-point/"}},
      {"modbus point write", {"modbusPointValue", point_value, "id", "modbus-point/"}},
      {"ota check", {"otaCheck", {}, "firmware", "ota-firmware/"}},
      {"ota firmware verify", {"otaVerification", {}, "id", "ota-firmware/"}},
      {"ota task stop", task_change},
      {"ota task resume", task_change},
      {"ota task retry", task_change},
      {"ota task remove", task_change},
      {"ota task watch",
       {"otaProgress",
        {{"ID", "id"},
         {"STATE", "state"},
         {"PROGRESS", "progress"},
         {"WAITING", "waiting"},
         {"PROCESSING", "processing"},
         {"SUCCESS", "success"},
         {"FAILED", "failed"},
         {"CANCELED", "canceled"},
         {"TOTAL", "total"}},
        "id",
        "ota-task/",
        {"over", "group", "group.", "reason"}}},
      {"ota task devices",
       {"otaRecord",
        {{"DEVICE", "deviceId"},
         {"STATE", "state"},
         {"PROGRESS", "progress"},
         {"ATTEMPT", "attempt"},
         {"GROUP", "group", true},
         {"OLD-VERSION", "oldVersion", true},
         {"SERVED", "bytesServed", true},
         {"STARTED", "upgradeTime"},
         {"ENDED", "completeTime"},
         {"NOTE", "note", true},
         {"REASON", "errorReason"}},
        "deviceId",
        "device/",
        {"createTime", "ackTime", "deadline", "notBefore", "steps"}}},
      {"config show", {"config", {{"SETTING", "setting"}, {"VALUE", "value"}, {"ORIGIN", "origin"}}, "setting"}},
      {"cert check",
       {"certificateFile",
        {{"FILE", "file"}, {"STATUS", "validity"}, {"SUBJECT", "subject"}, {"EXPIRES", "notAfter"}},
        "file"}},
      {"cert test-connect", {"tlsPeer", {}, "address"}},
      {"protocol init", {"packageFile", {{"FILE", "file"}, {"BYTES", "bytes"}}, "file"}},
      {"protocol pack", {"package", {}, "file"}},
      {"validate", {"validation", {}, "id"}},
      {"import jetlinks", {"importResult", {}, "documents"}},
      {"daemon wait", {"daemonState", {}, "state"}},
  };
  return table;
}

}  // namespace

View view_of(const model::Kind& kind) {
  View out{kind.name, kind.columns, "id", kind.name + "/"};
  out.more_fields = {"name",      "description", "enabled", "revision", "createdAt",
                     "updatedAt", "set",         "spec",    "status",   "status."};
  if (!kind.switchable) std::erase(out.more_fields, "enabled");
  field_paths(out.more_fields, *kind.spec, "spec.");
  return out;
}

View view_of(const control::Command& command) {
  const std::string label = command.label();
  for (const Row& row : rows()) {
    if (row.label == label) return row.view;
  }
  if (command.verb == "impact") return {"impact", {}, "sessions"};
  if (command.verb == "read" || command.verb == "write" || command.verb == "invoke") return {"reply", {}, "messageId"};
  if (command.mutates || command.verb == "disconnect" || command.verb == "purge") {
    std::string prefix;
    if (command.kind) prefix = command.kind->name + "/";
    if (command.path.starts_with("/v1/devices/")) prefix = "device/";
    return {
        "mutation",
        {{"KIND", "kind"}, {"ID", "id"}, {"RESULT", "result"}, {"REVISION", "revision"}, {"MESSAGE", "error.message"}},
        "id",
        std::move(prefix)};
  }
  if (command.kind) return view_of(*command.kind);
  return {command.verb == "stats" ? "logStats" : command.verb, {}};
}

}  // namespace jl::cli
