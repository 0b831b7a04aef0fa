// The table of kinds. A new noun is a model file with its describe() and one row here.
#include "common/model/cert.hpp"
#include "common/model/device.hpp"
#include "common/model/gateway.hpp"
#include "common/model/media.hpp"
#include "common/model/modbus.hpp"
#include "common/model/network.hpp"
#include "common/model/ota.hpp"
#include "common/model/product.hpp"
#include "common/model/protocol.hpp"
#include "common/model/resource.hpp"
#include "common/model/user.hpp"

namespace jl::model {

std::span<const Kind> kinds() {
  static const std::vector<Kind> table{
      {"cert",
       "certs",
       "证书管理",
       "certificates: keys and chains for TLS, and whom to trust",
       "A certificate holds what a component needs for TLS: a private key with its chain, the authorities that it "
       "trusts, "
       "or both, as PEM or as a PKCS#12 or JKS key store. Components name it; a renewed one reaches them without a "
       "restart. Keys and passphrases are sealed and not shown.",
       &table_of<Cert>(),
       true,
       {{"ID", "id"},
        {"NAME", "name"},
        {"FORMAT", "spec.format"},
        {"MODE", "spec.mode"},
        {"SUBJECT", "status.subject", true},
        {"EXPIRES", "status.notAfter"},
        {"STATUS", "status.validity"}},
       {"format", "mode"},
       "web --key-file key.pem --cert-file chain.pem",
       "web --name \"Gateway\"",
       false},
      {"network",
       "networks",
       "网络组件",
       "network components: sockets that gateways use",
       "A network component is a socket: a server that devices connect to. It is bound as soon as it is enabled, "
       "whether or "
       "not a gateway uses it; without an enabled gateway it refuses clients.",
       &table_of<Network>(),
       true,
       {{"ID", "id"},
        {"NAME", "name", true},
        {"TYPE", "spec.type"},
        {"ADDRESS", "status.address"},
        {"ENABLED", "enabled"},
        {"STATUS", "status.state"},
        {"CONNECTIONS", "status.connections", true},
        {"REASON", "status.reason", true}},
       {"type"},
       "mqtt-1 --type mqtt-server --port 1883",
       "mqtt-1 --max-message-size 65536"},
      {"user",
       "users",
       "应用用户",
       "users of MQTT servers: applications that read and command devices",
       "A user is an application that logs in to an MQTT server component with a name and a password. It reads decoded "
       "device messages under /device/PRODUCT/DEVICE/... and sends commands there, as far as its topics allow.",
       &table_of<User>(),
       true,
       {{"ID", "id"},
        {"NAME", "name", true},
        {"NETWORK", "spec.networkId"},
        {"USERNAME", "spec.username", true},
        {"PUBLISH", "spec.publish"},
        {"SUBSCRIBE", "spec.subscribe"},
        {"ENABLED", "enabled"},
        {"CONNECTIONS", "status.connections", true}},
       {"networkId"},
       "dashboard --network mqtt-1 --password-file pw.txt --subscribe /device/#",
       "dashboard --publish /device/+/+/message/send/#"},
      {"protocol",
       "protocols",
       "协议管理",
       "message protocols: bytes to device messages and back",
       "A protocol authenticates devices and turns what they send into device messages. jlinkd brings JetLinks' "
       "official protocol along; others are packages of JavaScript modules, uploaded as an archive or read from a "
       "folder.",
       &table_of<Protocol>(),
       true,
       {{"ID", "id"},
        {"NAME", "name"},
        {"TYPE", "spec.type"},
        {"ENABLED", "enabled"},
        {"STATUS", "status.state"},
        {"TRANSPORTS", "status.transports"},
        {"VERSION", "status.version", true}},
       {"type"},
       "official --builtin jetlinks-official",
       "official --description \"JetLinks v3 devices\""},
      {"gateway",
       "gateways",
       "设备接入网关",
       "device access gateways: component plus protocol",
       "A gateway lets devices in: it ties a network component to a protocol. Products name the gateway that their "
       "devices "
       "use.",
       &table_of<Gateway>(),
       true,
       {{"ID", "id"},
        {"NAME", "name", true},
        {"PROVIDER", "spec.provider"},
        {"NETWORK", "spec.channelId"},
        {"PROTOCOL", "spec.protocol"},
        {"ENABLED", "enabled"},
        {"STATUS", "status.state"},
        {"SESSIONS", "status.sessions"},
        {"REASON", "status.reason", true}},
       {"provider", "channelId", "protocol"},
       "gw-1 --provider mqtt-server-gateway --network mqtt-1 --protocol official",
       "gw-1 --network mqtt-2"},
      {"product",
       "products",
       "产品",
       "products: what devices of one model share",
       "A product says which gateway its devices use, what the protocol needs to know of all of them, and what they "
       "can do "
       "(the thing model). Devices connect only while their product is enabled.",
       &table_of<Product>(),
       false,
       {{"ID", "id"},
        {"NAME", "name"},
        {"GATEWAY", "spec.accessId"},
        {"ENABLED", "enabled"},
        {"DEVICES", "status.devices"},
        {"TYPE", "spec.deviceType", true}},
       {"accessId", "deviceType"},
       "th-sensor --gateway gw-1 --metadata @thing-model.json --enabled",
       "th-sensor --metadata @thing-model.json"},
      {"modbus-channel",
       "modbus-channels",
       "Modbus通道",
       "Modbus channels: connections to slaves",
       "A channel is one connection to a Modbus slave, or to a gateway with many units behind it: over TCP, TLS, a "
       "serial line, or a serial server. Its points are read over it as soon as both are enabled.",
       &table_of<ModbusChannel>(),
       true,
       {{"ID", "id"},
        {"NAME", "name", true},
        {"TRANSPORT", "spec.transport"},
        {"ADDRESS", "status.address"},
        {"ENABLED", "enabled"},
        {"STATUS", "status.state"},
        {"POINTS", "status.points"},
        {"GOOD", "status.good"},
        {"REASON", "status.reason", true}},
       {"transport"},
       "plc-1 --host 10.0.0.7",
       "plc-1 --request-timeout 500",
       true,
       "modbus channel"},
      {"modbus-point",
       "modbus-points",
       "Modbus数据点",
       "Modbus points: values at addresses of slaves",
       "A point is a value in the registers or bits of one unit: where it stands, how its bytes are to be read, and "
       "how "
       "often. Device properties are bound to points with jlctl modbus bind.",
       &table_of<ModbusPoint>(),
       true,
       {{"ID", "id"},
        {"NAME", "name", true},
        {"CHANNEL", "spec.channelId"},
        {"UNIT", "spec.unitId"},
        {"FUNCTION", "spec.function"},
        {"ADDRESS", "spec.address"},
        {"TYPE", "spec.type"},
        {"ENABLED", "enabled", true},
        {"STATUS", "status.collectState"},
        {"VALUE", "status.value"},
        {"QUALITY", "status.quality"},
        {"ERROR", "status.error", true}},
       {"channelId", "unitId", "function"},
       "boiler-temp --channel plc-1 --unit 1 --address 40108 --type float32 --interval 1000",
       "boiler-temp --interval 500",
       true,
       "modbus point"},
      {"device",
       "devices",
       "设备",
       "devices: one each, with credentials and state",
       "A device belongs to a product. It is notActive until it is enabled, then offline or online. Its id is what it "
       "sends "
       "as MQTT client id.",
       &table_of<Device>(),
       false,
       {{"ID", "id"},
        {"NAME", "name", true},
        {"PRODUCT", "spec.productId"},
        {"STATE", "status.state"},
        {"SINCE", "status.since"},
        {"PARENT", "spec.parentId", true},
        {"ADDRESS", "status.address", true}},
       {"productId", "parentId"},
       "dev-1 --product th-sensor --config secureId=s-1 --config-secret-file secureKey=key.txt --enabled",
       "dev-1 --name \"North roof\""},
      {"media-server",
       "media-servers",
       "流媒体服务",
       "media servers: where cameras' streams are received and played",
       "A media server receives the streams of cameras and plays them to people: ZLMediaKit or SRS, which run on their "
       "own. jlinkd asks each enabled one every ten seconds how it does; one that is not well is not chosen. Its ports "
       "are taken from its own configuration unless they are given.",
       &table_of<MediaServer>(),
       true,
       {{"ID", "id"},
        {"NAME", "name", true},
        {"PROVIDER", "spec.provider"},
        {"API", "status.address"},
        {"ENABLED", "enabled"},
        {"STATUS", "status.state"},
        {"LOAD", "status.load", true},
        {"VERSION", "status.version", true},
        {"REASON", "status.reason", true}},
       {"provider"},
       "zlm-1 --provider zlmediakit --api-host 10.0.0.5 --api-port 80 --rtp-ip 10.0.0.5 --secret-file secret.txt",
       "zlm-1 --public-host video.example",
       true,
       "media server"},
      {"ota-server",
       "ota-servers",
       "固件下载服务",
       "OTA servers: where devices download firmware",
       "An OTA server gives network components the task of serving firmware, and says how devices reach them. Each "
       "device of a task gets an address of its own that expires. \"jlctl ota check\" fetches through it as a device "
       "would.",
       &table_of<OtaServer>(),
       true,
       {{"ID", "id"},
        {"NAME", "name", true},
        {"NETWORK", "spec.networkId"},
        {"URL", "spec.publicUrl"},
        {"ENABLED", "enabled"},
        {"DOWNLOADS", "status.downloads"},
        {"SENT", "status.bytes", true}},
       {"networkId"},
       "main --network ota-http --public-url http://gw.example:8848",
       "main --max-downloads 500",
       true,
       "ota server"},
      {"ota-firmware",
       "ota-firmwares",
       "固件",
       "firmware: images that devices of a product are upgraded to",
       "A firmware is one image of one version, with the digest that its maker has given; what is uploaded is compared "
       "with it before anything is kept. What devices are told of it stays as it is once a task rolls it out. The "
       "product's protocol must be able to upgrade (supportFirmware), as the built-in one is.",
       &table_of<OtaFirmware>(),
       true,
       {{"ID", "id"},
        {"NAME", "name", true},
        {"PRODUCT", "spec.productId"},
        {"VERSION", "spec.version"},
        {"ORDER", "spec.versionOrder"},
        {"SIZE", "spec.size"},
        {"SIGN-METHOD", "spec.signMethod", true},
        {"SIGN", "spec.sign", true},
        {"VERIFIED", "status.verified"},
        {"TASKS", "status.tasks"}},
       {"productId"},
       "fw-1.2.0 --product th-sensor --version 1.2.0 --order 12 --image fw.bin --sign auto",
       "fw-1.2.0 --description \"fixes the clock\"",
       false,
       "ota firmware"},
      {"ota-task",
       "ota-tasks",
       "升级任务",
       "upgrade tasks: a firmware on its way to devices",
       "A task brings a firmware to devices. Who takes part is settled when it is made, unless late joiners are "
       "wanted; each device then has a record of its own. In mode push devices are told, in mode pull they ask. "
       "Devices that are offline wait. Nothing of a task can be edited but its name and description; it is stopped, "
       "resumed, retried and deleted.",
       &table_of<OtaTask>(),
       true,
       {{"ID", "id"},
        {"NAME", "name", true},
        {"FIRMWARE", "spec.firmwareId"},
        {"MODE", "spec.mode"},
        {"STATE", "status.state"},
        {"PROGRESS", "status.progress"},
        {"WAITING", "status.waiting"},
        {"PROCESSING", "status.processing"},
        {"SUCCESS", "status.success"},
        {"FAILED", "status.failed"},
        {"CANCELED", "status.canceled"},
        {"TOTAL", "status.total", true},
        {"REASON", "status.reason", true}},
       {"firmwareId", "mode"},
       "roll-1.2.0 --firmware fw-1.2.0 --groups 1% --groups 10% --groups 100% --error-threshold 10%",
       "roll-1.2.0 --name \"Spring rollout\"",
       false,
       "ota task",
       true},
  };
  return table;
}

const Table& common_fields(bool switchable) {
  const auto build = [](bool with_enabled) {
    Table t;
    const auto add = [&](const char* key, Type type, const char* help) -> Field& {
      Field& f = t.fields.emplace_back();
      f.key = key;
      f.type = type;
      f.help = help;
      f.flag = key;
      return f;
    };
    t.fields.reserve(8);
    Field& id = add("id", Type::string, "chosen by you: letters, digits, \".\", \"_\" and \"-\", at most 64");
    id.required = id.immutable = true;
    id.max_length = 64;
    add("name", Type::string, "any language, at most 64 characters; default: the id (名称)").max_length = 64;
    add("description", Type::string, "at most 200 characters (说明)").max_length = 200;
    if (with_enabled) add("enabled", Type::boolean, "whether it should run (状态)");
    return t;
  };
  static const Table with = build(true), without = build(false);
  return switchable ? with : without;
}

}  // namespace jl::model
