#include "daemon/codec/official/topics.hpp"

#include "common/base/words.hpp"

#include <algorithm>

namespace jl::codec::official {
namespace {
struct TopicRow {
  std::string_view suffix;
  MessageType type;
  bool up;
  std::string_view group, description, example;
};

constexpr std::string_view kEventPrefix = "event/";
constexpr std::string_view kTimeSync = "time-sync";

constexpr std::string_view kProperties = "properties 属性", kEvents = "event 事件", kFunctions = "function 功能",
                           kChildren = "child 子设备", kState = "state 状态", kRegistry = "register 注册",
                           kTags = "tags 标签", kMetadata = "metadata 物模型", kLogs = "log 日志",
                           kDirect = "direct 透传", kFirmware = "firmware 固件", kCollector = "collector 采集",
                           kTime = "time-sync 时间同步", kMessages = "messages 消息";

constexpr std::string_view kPlainReply = R"({"messageId":"1","success":true})";
constexpr std::string_view kEmpty = R"({"timestamp":1700000000000})";
constexpr std::string_view kTimeRequest = R"({"messageId":"1"})";

// The order is that of wire.md 2.3, with what devices send most first.
constexpr std::array kTopics{
    TopicRow{"properties/report", MessageType::report_property, true, kProperties, "report properties 上报属性",
             R"({"properties":{"temperature":21.5}})"},
    TopicRow{"properties/read", MessageType::read_property, false, kProperties, "read properties 读取属性",
             R"({"messageId":"1","deviceId":"d1","properties":["temperature"]})"},
    TopicRow{"properties/read/reply", MessageType::read_property_reply, true, kProperties,
             "reply to a read 读取属性回复", R"({"messageId":"1","properties":{"temperature":21.5}})"},
    TopicRow{"properties/write", MessageType::write_property, false, kProperties, "write properties 修改属性",
             R"({"messageId":"1","deviceId":"d1","properties":{"color":"red"}})"},
    TopicRow{"properties/write/reply", MessageType::write_property_reply, true, kProperties,
             "reply to a write 修改属性回复", R"({"messageId":"1","success":true,"properties":{"color":"red"}})"},
    TopicRow{"function/invoke", MessageType::invoke_function, false, kFunctions, "invoke a function 调用功能",
             R"({"messageId":"1","deviceId":"d1","functionId":"reboot","inputs":[{"name":"delay","value":5}]})"},
    TopicRow{"function/invoke/reply", MessageType::invoke_function_reply, true, kFunctions,
             "reply to an invocation 调用功能回复", R"({"messageId":"1","output":{"code":0}})"},
    TopicRow{"tags", MessageType::update_tag, true, kTags, "update tags 更新标签", R"({"tags":{"site":"north"}})"},
    TopicRow{"online", MessageType::online, true, kState, "the device is online 上线", kEmpty},
    TopicRow{"offline", MessageType::offline, true, kState, "the device goes offline 离线", kEmpty},
    TopicRow{"register", MessageType::register_device, true, kRegistry, "register a device 注册设备",
             R"({"headers":{"productId":"p1","deviceName":"Meter 1"}})"},
    TopicRow{"unregister", MessageType::unregister_device, true, kRegistry, "unregister a device 注销设备", kEmpty},
    TopicRow{"firmware/upgrade", MessageType::upgrade_firmware, false, kFirmware, "upgrade the firmware 推送固件更新",
             R"({"messageId":"1","url":"https://h/f.bin","version":"1.1","sign":"…","signMethod":"md5","size":43})"},
    TopicRow{"firmware/upgrade/reply", MessageType::upgrade_firmware_reply, true, kFirmware,
             "the upgrade is accepted 固件更新回复", kPlainReply},
    TopicRow{"firmware/upgrade/progress", MessageType::upgrade_firmware_progress, true, kFirmware,
             "progress of the upgrade 更新固件进度", R"({"progress":50,"complete":false,"version":"1.1"})"},
    TopicRow{"firmware/pull", MessageType::request_firmware, true, kFirmware, "ask for firmware 拉取固件",
             R"({"messageId":"1","currentVersion":"1.0","requestVersion":"1.1"})"},
    TopicRow{"firmware/pull/reply", MessageType::request_firmware_reply, false, kFirmware,
             "the firmware asked for 拉取固件回复",
             R"({"messageId":"1","success":true,"url":"https://h/f.bin","version":"1.1","size":43})"},
    TopicRow{"firmware/report", MessageType::report_firmware, true, kFirmware, "report the version 上报固件版本",
             R"({"version":"1.0"})"},
    TopicRow{"firmware/read", MessageType::read_firmware, false, kFirmware, "read the version 读取固件版本",
             R"({"messageId":"1","deviceId":"d1"})"},
    TopicRow{"firmware/read/reply", MessageType::read_firmware_reply, true, kFirmware,
             "reply with the version 读取固件版本回复", R"({"messageId":"1","version":"1.0"})"},
    TopicRow{"metadata/derived", MessageType::derived_metadata, true, kMetadata, "derived thing model 派生物模型",
             R"({"metadata":"{\"properties\":[]}","all":false})"},
    TopicRow{"direct", MessageType::direct, true, kDirect, "bytes passed through 透传数据", "any bytes"},
    TopicRow{"disconnect", MessageType::disconnect, false, kState, "disconnect a child 断开子设备",
             R"({"messageId":"1","deviceId":"c1"})"},
    TopicRow{"disconnect/reply", MessageType::disconnect_reply, true, kState, "reply to a disconnect 断开连接回复",
             kPlainReply},
    TopicRow{"log", MessageType::log, true, kLogs, "a line of log 上报日志", R"({"log":"boot done"})"},
    TopicRow{"state-check", MessageType::state_check, false, kState, "ask for the state 状态检查",
             R"({"messageId":"1","deviceId":"c1"})"},
    TopicRow{"state-check/reply", MessageType::state_check_reply, true, kState, "reply with the state 状态检查回复",
             R"({"messageId":"1","state":1})"},
    TopicRow{"collector/report", MessageType::report_collector, true, kCollector, "report collected data 上报采集数据",
             R"({"data":[{"address":"/modbus/1/0/1","value":12.5}]})"},
    TopicRow{"collector/read", MessageType::read_collector_data, false, kCollector, "read collected data 读取采集数据",
             R"({"messageId":"1","addresses":["/modbus/1/0/1"]})"},
    TopicRow{"collector/read/reply", MessageType::read_collector_data_reply, true, kCollector,
             "reply to a read 读取采集数据回复",
             R"({"messageId":"1","data":[{"address":"/modbus/1/0/1","value":12.5,"success":true}]})"},
    TopicRow{"collector/write", MessageType::write_collector_data, false, kCollector, "write points 写入采集点",
             R"({"messageId":"1","data":[{"address":"/modbus/1/0/1","value":3}]})"},
    TopicRow{"collector/write/reply", MessageType::write_collector_data_reply, true, kCollector,
             "reply to a write 写入采集点回复",
             R"({"messageId":"1","data":[{"address":"/modbus/1/0/1","success":true}]})"},
};

// Takes the text up to the next slash and the slash; false when there is no slash.
bool take_segment(std::string_view& rest, std::string_view& segment) {
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return false;
  segment = rest.substr(0, slash);
  rest.remove_prefix(slash + 1);
  return true;
}

bool take_prefix(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

// Goes down through child/{id}/ and child-reply/{id}/ to the suffix of the innermost device.
TopicMatch::Kind descend(std::string_view& suffix, TopicMatch& match) {
  for (;;) {
    ChildStep step;
    if (take_prefix(suffix, "child-reply/")) {
      step.reply = true;
    } else if (!take_prefix(suffix, "child/")) {
      return TopicMatch::Kind::message;
    }
    if (!take_segment(suffix, step.id) || step.id.empty()) return TopicMatch::Kind::none;
    if (match.child_depth == kMaxChildDepth) return TopicMatch::Kind::too_deep;
    match.children[match.child_depth++] = step;
  }
}

// wire.md 8: what children of v1 gateways send for ONLINE and OFFLINE.
MessageType v1_child_type(std::string_view suffix) {
  if (suffix == "connected") return MessageType::online;
  if (suffix == "disconnect" || suffix == "disconnected") return MessageType::offline;
  return MessageType::unknown;
}

std::optional<TopicOwner> owner(std::string_view product, std::string_view device) {
  if (!is_topic_segment(device) || product.size() > kMaxIdBytes || !is_printable_utf8(product)) return std::nullopt;
  return TopicOwner{product, device};
}

Route route(std::string_view suffix, std::string_view group, std::string_view description, std::string_view example,
            bool up, bool down) {
  Route made;
  made.group = group;
  made.topic = "/{productId:product 产品ID}/{deviceId:device 设备ID}";
  if (!suffix.empty()) made.topic.append("/").append(suffix);
  made.description = description;
  made.example = example;
  made.upstream = up;
  made.downstream = down;
  return made;
}

// The topics that are not in the table because they have ids of their own.
void add_patterns(std::vector<Route>& routes, bool child_down) {
  routes.push_back(route("event/{eventId:event 事件ID}", kEvents, "report an event 上报事件", R"({"data":{"level":2}})",
                         true, false));
  routes.push_back(route("child/{childId:child 子设备ID}/{#:any topic above 以上任一主题}", kChildren,
                         "the same topics for a child 子设备消息", R"({"properties":{"temperature":21.5}})", true,
                         child_down));
  routes.push_back(route("child-reply/{childId:child 子设备ID}/{#:any topic above 以上任一主题}", kChildren,
                         "replies of a child 子设备消息回复", kPlainReply, true, false));
}
}  // namespace

TopicMatch match_up_topic(std::string_view topic, bool v1_compat) {
  TopicMatch match;
  const bool leading_slash = take_prefix(topic, "/");
  while (topic.ends_with('/')) topic.remove_suffix(1);
  std::string_view suffix = topic;
  if (!take_segment(suffix, match.product) || !take_segment(suffix, match.device)) return match;
  if (suffix == kTimeSync) {
    if (leading_slash) match.kind = TopicMatch::Kind::time_sync;
    return match;
  }
  match.kind = descend(suffix, match);
  if (match.kind != TopicMatch::Kind::message) return match;

  if (suffix.starts_with(kEventPrefix)) {
    match.event = suffix.substr(kEventPrefix.size());
    if (match.event.find('/') == std::string_view::npos) match.type = MessageType::event;
  } else if (v1_compat && match.child_depth > 0) {
    match.type = v1_child_type(suffix);
  }
  for (std::size_t i = 0; match.type == MessageType::unknown && i < kTopics.size(); ++i) {
    if (kTopics[i].up && kTopics[i].suffix == suffix) match.type = kTopics[i].type;
  }
  if (match.type == MessageType::unknown) match.kind = TopicMatch::Kind::none;
  return match;
}

void move_below(TopicMatch& topic, std::string_view gateway) {
  if (topic.kind == TopicMatch::Kind::time_sync) topic.kind = TopicMatch::Kind::none;
  if (topic.kind != TopicMatch::Kind::message) return;
  if (topic.child_depth == kMaxChildDepth) {
    topic.kind = TopicMatch::Kind::too_deep;
    return;
  }
  std::move_backward(topic.children.begin(), topic.children.begin() + static_cast<std::ptrdiff_t>(topic.child_depth),
                     topic.children.begin() + static_cast<std::ptrdiff_t>(topic.child_depth + 1));
  topic.children.front() = {topic.device, false};
  ++topic.child_depth;
  topic.device = gateway;
}

std::string_view down_suffix(MessageType type) {
  for (const TopicRow& row : kTopics) {
    if (!row.up && row.type == type) return row.suffix;
  }
  return {};
}

Status check_id(std::string_view id, std::string_view what) {
  const auto bad = [what](std::string_view why) { return Error(Errc::invalid, std::string(what) + std::string(why)); };
  if (id.empty()) return bad(" is empty");
  if (id.size() > kMaxIdBytes) return bad(" is longer than 256 bytes");
  if (!is_printable_utf8(id)) return bad(" is not printable UTF-8");
  if (id.find('/') != std::string_view::npos) return bad(" has a slash");
  return {};
}

bool is_topic_segment(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIdBytes && text.find_first_of("/+#") == std::string_view::npos &&
         is_printable_utf8(text);
}

bool is_below_device(std::string_view topic_or_filter, std::string_view product, std::string_view device) {
  std::string_view rest = topic_or_filter;
  if (!is_topic_segment(product) || !is_topic_segment(device)) return false;
  return take_prefix(rest, "/") && take_prefix(rest, product) && take_prefix(rest, "/") && take_prefix(rest, device) &&
         (rest.empty() || rest.front() == '/');
}

std::optional<TopicOwner> topic_owner(std::string_view topic) {
  // How deep children nest, and what v1 devices say, is for the decoder to judge, which knows the device.
  const TopicMatch match = match_up_topic(topic, true);
  if (match.kind == TopicMatch::Kind::none) return std::nullopt;
  return owner(match.product, match.device);
}

std::optional<TopicOwner> path_owner(std::string_view path) {
  std::string_view product;
  take_prefix(path, "/");
  if (!take_segment(path, product)) return std::nullopt;
  return owner(product, path.substr(0, path.find('/')));
}

std::optional<TopicOwner> socket_owner(std::string_view path) {
  std::string_view product, device;
  if (!take_prefix(path, "/") || !take_segment(path, product) || !take_segment(path, device)) return std::nullopt;
  if ((path != "socket" && path != "socket/") || device.find('%') != std::string_view::npos) return std::nullopt;
  return owner(product, device);
}

std::vector<Route> mqtt_routes() {
  std::vector<Route> routes;
  for (const TopicRow& row : kTopics) {
    routes.push_back(route(row.suffix, row.group, row.description, row.example, row.up, !row.up));
  }
  add_patterns(routes, true);
  routes.push_back(route(kTimeSync, kTime, "ask for the time 请求时间同步", kTimeRequest, true, false));
  routes.push_back(route("time-sync/reply", kTime, "the time 时间同步回复",
                         R"({"messageId":"1","timestamp":1700000000000})", false, true));
  return routes;
}

std::vector<Route> http_routes() {
  std::vector<Route> routes;
  for (const TopicRow& row : kTopics) {
    if (row.up) routes.push_back(route(row.suffix, row.group, row.description, row.example, true, false));
  }
  add_patterns(routes, false);
  for (Route& made : routes) made.method = "POST";
  return routes;
}

std::vector<Route> websocket_routes() {
  return {route("socket", kMessages, "messages both ways, one JSON object each 双向消息",
                R"({"messageType":"REPORT_PROPERTY","properties":{"temperature":21.5}})", true, true)};
}

std::vector<Route> coap_routes() {
  std::vector<Route> routes = http_routes();
  routes.push_back(
      route(kTimeSync, kTime, "ask for the time, answered in the response 请求时间同步", kTimeRequest, true, false));
  routes.back().method = "POST";
  // Ours: the original has no way down over CoAP. FETCH, because a GET has no payload that could prove anything; GET is
  // for those whom DTLS has proven.
  for (const char* method : {"FETCH", "GET"}) {
    routes.push_back(route("", kMessages, "observe for messages to the device (RFC 7641) 订阅下行消息",
                           R"({"timestamp":1700000000000})", true, true));
    routes.back().method = method;
  }
  return routes;
}

}  // namespace jl::codec::official
