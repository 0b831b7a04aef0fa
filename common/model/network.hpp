#pragma once
// Network components (网络组件): sockets that gateways listen on or dial out with. Keys as JetLinks spells them
// (network.md 1). A type is a variant of `configuration`; later types add a struct here and a row in network.cpp.
#include "common/model/describe.hpp"

#include <cstdint>
#include <string>

namespace jl::model {

enum class NetworkType : std::uint8_t {
  mqtt_server,
  mqtt_client,
  tcp_server,
  udp,
  http_server,
  web_socket_server,
  coap_server,
};
template <>
struct EnumWords<NetworkType> {
  static const std::vector<Word>& words();
};

/// What every component that listens has (network.md 1.3).
struct Listening {
  std::string host = "0.0.0.0";
  std::uint16_t port = 0;
  std::string public_host;
  std::optional<std::uint16_t> public_port;
  bool secure = false;
  Reference cert_id;
  std::string private_key_alias;
  bool public_secure = false;
  std::string public_cert_id;
  std::int64_t max_connections = 100'000;
  std::int64_t max_connect_rate = 0;
  std::int64_t max_message_rate = 0;
  std::int64_t connect_timeout = 10;
  std::optional<std::int64_t> instance;
};

/// configuration of MQTT_SERVER (MQTT服务).
struct MqttServer : Listening {
  std::int64_t max_message_size = 8192;
  std::int64_t max_subscriptions = 64;
  std::int64_t max_queued_messages = 1000;
  std::int64_t max_retained_messages = 10'000;
  std::int64_t max_sessions = 100'000;
  std::int64_t max_session_expiry = 604'800;
  std::string server_reference;
  bool server_moved = false;
};

/// How a TCP stream is cut into frames (粘拆包规则, network.md 2).
enum class ParserType : std::uint8_t { direct, delimited, fixed_length, length_field, script };
template <>
struct EnumWords<ParserType> {
  static const std::vector<Word>& words();
};

/// Parameters of framing rules; each rule reads its own.
struct ParserConfiguration {
  std::string delimited;
  std::optional<std::int64_t> size;
  std::int64_t offset = 0;
  std::optional<std::int64_t> length;
  bool little = false;
  std::string script;
  std::string lang = "js";
  std::int64_t keep_alive_timeout = 600'000;
};

/// configuration of TCP_SERVER (TCP服务).
struct TcpServer : Listening {
  ParserType parser_type = ParserType::length_field;
  ParserConfiguration parser_configuration;
  std::int64_t max_frame_length = 1 << 20;
};

/// configuration of UDP.
struct Udp : Listening {
  Udp() { max_connections = 10'000; }  // a DTLS session is some 33 KB
  std::int64_t session_timeout = 600;
};

/// configuration of WEB_SOCKET_SERVER (WebSocket服务).
struct WebSocketServer : Listening {
  std::map<std::string, std::string> http_headers;
  std::int64_t max_header_size = 8192;
  std::int64_t max_message_size = 1 << 20;
  std::int64_t web_socket_idle_timeout = 3600;
  std::int64_t ping_interval = 30;
  bool compression = true;
};

/// configuration of HTTP_SERVER (HTTP服务), which takes WebSockets as well.
struct HttpServer : WebSocketServer {
  std::int64_t max_body_size = 1 << 20;
  std::int64_t request_timeout = 30;
  std::int64_t idle_timeout = 75;
  std::int64_t session_timeout = 0;
};

/// What carries CoAP (network.md 1.4).
enum class CoapTransport : std::uint8_t { udp, tcp };
template <>
struct EnumWords<CoapTransport> {
  static const std::vector<Word>& words();
};

/// configuration of COAP_SERVER (CoAP服务).
struct CoapServer : Listening {
  CoapServer() { max_connections = 10'000; }
  CoapTransport transport = CoapTransport::udp;
  bool psk = false;
  std::int64_t session_timeout = 600;
  std::int64_t max_message_size = 1 << 20;
};

enum class MqttVersion : std::uint8_t { v3_1_1, v5 };
template <>
struct EnumWords<MqttVersion> {
  static const std::vector<Word>& words();
};

/// configuration of MQTT_CLIENT (MQTT客户端).
struct MqttClient {
  std::string remote_host;
  std::uint16_t remote_port = 0;
  std::string client_id;
  std::string username;
  Secret password;
  MqttVersion mqtt_version = MqttVersion::v3_1_1;
  bool clean_session = false;
  std::string topic_prefix;
  std::int64_t max_message_size = 8192;
  bool secure = false;
  Reference cert_id;
  std::string private_key_alias;
  bool verify_host = true;
};

/// One entry of cluster[]: what one node runs when shareCluster is false.
struct ClusterEntry {
  std::string server_id;
  json::object configuration;
};

struct Network {
  NetworkType type = NetworkType::mqtt_server;
  bool share_cluster = true;
  json::object configuration;
  std::vector<ClusterEntry> cluster;
};

template <class V>
void describe(V& v, Listening& s);
template <class V>
void describe(V& v, MqttServer& s);
template <class V>
void describe(V& v, ParserConfiguration& s);
template <class V>
void describe(V& v, TcpServer& s);
template <class V>
void describe(V& v, Udp& s);
template <class V>
void describe(V& v, HttpServer& s);
template <class V>
void describe(V& v, WebSocketServer& s);
template <class V>
void describe(V& v, CoapServer& s);
template <class V>
void describe(V& v, MqttClient& s);
template <class V>
void describe(V& v, ClusterEntry& s);
template <class V>
void describe(V& v, Network& s);

/// What a type of component is to others.
struct NetworkTypeInfo {
  NetworkType type;
  std::string_view transport;  ///< of the socket that it listens on, "tcp" or "udp"; "" = it dials out
  std::string_view scheme, secure_scheme;
};
[[nodiscard]] const NetworkTypeInfo& network_type_info(NetworkType type);
/// Of a component's spec.
[[nodiscard]] NetworkType network_type_of(const json::object& spec);

/// Field checks shared by component types.
void check_host(json::value& value, const std::string& path, std::vector<Problem>& problems);
void check_topic_prefix(json::value& value, const std::string& path, std::vector<Problem>& problems);
void check_http_headers(json::value& value, const std::string& path, std::vector<Problem>& problems);
[[nodiscard]] std::vector<Variant> network_variants();

template <class V>
void describe(V& v, Listening& s) {
  v.field("host", s.host)
      .help("local address or name to listen on (本地地址)")
      .restarts()
      .per_node()
      .check(check_host)
      .example("0.0.0.0");
  v.field("port", s.port)
      .required()
      .range(1, 65535)
      .help("local port (本地端口)")
      .restarts()
      .per_node()
      .example("1883");
  v.field("publicHost", s.public_host)
      .help("address that devices use, for display only (公网地址)")
      .per_node()
      .check(check_host);
  v.field("publicPort", s.public_port)
      .range(1, 65535)
      .help("port that devices use, for display only; default: port (公网端口)")
      .per_node();
  v.field("secure", s.secure).help("TLS on (开启TLS)").restarts();
  v.field("certId", s.cert_id)
      .refers_to("cert")
      .required_when("secure")
      .flag("cert")
      .per_node()
      .help("certificate of mode server (证书)")
      .example("web");
  v.field("privateKeyAlias", s.private_key_alias)
      .max_length(64)
      .per_node()
      .help("entry of the certificate's key store; default: the only one, or by the name clients ask for (私钥别名)");
  v.field("publicSecure", s.public_secure).no_default().help("accepted from JetLinks and kept, without effect");
  v.field("publicCertId", s.public_cert_id).help("accepted from JetLinks and kept, without effect");
  v.field("maxConnections", s.max_connections)
      .range(1, 1'000'000)
      .help("connections, or sessions of datagram components, at once; more are refused");
  v.field("maxConnectRate", s.max_connect_rate)
      .range(0, 1'000'000)
      .help("connections accepted in one second; 0 = no limit");
  v.field("maxMessageRate", s.max_message_rate)
      .range(0, 10'000'000)
      .help("messages of one connection or address in one second; 0 = no limit");
  v.field("connectTimeout", s.connect_timeout)
      .range(1, 300)
      .help("seconds from the connection until the client has said who it is");
  v.field("instance", s.instance)
      .range(1, 1024)
      .help("accepted from JetLinks and kept; jlinkd uses one thread per core");
  v.drop("serverId");
}

template <class V>
void describe(V& v, MqttServer& s) {
  describe(v, static_cast<Listening&>(s));
  v.field("maxMessageSize", s.max_message_size)
      .range(1024, 268'435'455)
      .help("largest packet a client may send, bytes (最大消息长度)");
  v.field("maxSubscriptions", s.max_subscriptions).range(1, 10'000).help("topic filters that one client may hold");
  v.field("maxQueuedMessages", s.max_queued_messages)
      .range(1, 60'000)
      .help("messages that wait for one client, connected or away; more are dropped");
  v.field("maxRetainedMessages", s.max_retained_messages)
      .range(0, 1'000'000)
      .help("topics with a retained message; more are refused with \"quota exceeded\"");
  v.field("maxSessions", s.max_sessions)
      .range(0, 10'000'000)
      .help("sessions that outlive their connection; more clients that want one are refused");
  v.field("maxSessionExpiry", s.max_session_expiry)
      .range(0, 4'294'967'294)
      .help("seconds that a session outlives its connection at most; 0 = none does");
  v.field("serverReference", s.server_reference)
      .max_length(255)
      .help("send every client to this other server instead, MQTT 5 clients by name (HOST:PORT)")
      .example("mqtt-2.example.com:1883");
  v.field("serverMoved", s.server_moved).help("say that the other server is the one from now on");
}

template <class V>
void describe(V& v, ParserConfiguration& s) {
  v.field("delimited", s.delimited)
      .max_length(64)
      .help("DELIMITED: bytes between frames: text with \\r \\n \\t and the like, or 0x and hex (分隔符)")
      .example("\\r\\n");
  v.field("size", s.size).range(1, 268'435'456).help("FIXED_LENGTH: bytes of each frame (长度值)").example("64");
  v.field("offset", s.offset).range(0, 65'535).help("LENGTH_FIELD: bytes before the length field (偏移量)");
  v.field("length", s.length)
      .range(1, 8)
      .help("LENGTH_FIELD: bytes of the length field: 1, 2, 3, 4 or 8; default: 4 less the offset (长度)");
  v.field("little", s.little).help("LENGTH_FIELD: little endian (大小端)");
  v.field("script", s.script).max_length(65'536).from_file().help("SCRIPT: JavaScript that uses \"parser\" (解析脚本)");
  v.field("lang", s.lang).max_length(16).help("SCRIPT: js, javascript or nashorn, which are the same (脚本语言)");
  v.field("keepAliveTimeout", s.keep_alive_timeout)
      .range(-1, 86'400'000)
      .help("milliseconds without a byte after which a connection is dead; -1 = never");
  v.drop("to");
}

template <class V>
void describe(V& v, TcpServer& s) {
  describe(v, static_cast<Listening&>(s));
  v.field("parserType", s.parser_type)
      .required()
      .help("how the stream is cut into frames (粘拆包规则)")
      .example("length");
  v.field("parserConfiguration", s.parser_configuration).help("its parameters");
  v.field("maxFrameLength", s.max_frame_length)
      .range(1, 268'435'456)
      .help("largest frame, bytes; a connection that sends more is closed");
  for (const char* key : {"payloadType", "tcpKeepAlive"}) v.drop(key);
}

template <class V>
void describe(V& v, Udp& s) {
  describe(v, static_cast<Listening&>(s));
  v.field("sessionTimeout", s.session_timeout)
      .range(1, 2'592'000)
      .help("seconds of silence after which a device is offline and its DTLS session ends");
}

template <class V>
void describe(V& v, WebSocketServer& s) {
  describe(v, static_cast<Listening&>(s));
  v.field("httpHeaders", s.http_headers)
      .max_length(64)
      .check(check_http_headers)
      .help("fixed headers of every response (响应头)")
      .example("X-Site=north");
  v.field("maxHeaderSize", s.max_header_size).range(1024, 65'536).help("largest request line and headers, bytes");
  v.field("maxMessageSize", s.max_message_size).range(1024, 268'435'455).help("largest WebSocket message, bytes");
  v.field("webSocketIdleTimeout", s.web_socket_idle_timeout)
      .range(1, 86'400)
      .help("seconds without a frame after which a WebSocket is closed");
  v.field("pingInterval", s.ping_interval)
      .range(0, 3600)
      .help("seconds of silence after which a WebSocket is pinged; 0 = never");
  v.field("compression", s.compression).help("offer permessage-deflate to WebSocket clients");
}

template <class V>
void describe(V& v, HttpServer& s) {
  describe(v, static_cast<WebSocketServer&>(s));
  v.field("maxBodySize", s.max_body_size).range(1024, 268'435'456).help("largest request body, bytes");
  v.field("requestTimeout", s.request_timeout).range(1, 3600).help("seconds that a request may take to arrive");
  v.field("idleTimeout", s.idle_timeout).range(1, 3600).help("seconds that a connection may wait for its next request");
  v.field("sessionTimeout", s.session_timeout)
      .range(0, 2'592'000)
      .help("seconds after its last request until a device is offline; 0 = until it says so itself");
}

template <class V>
void describe(V& v, CoapServer& s) {
  describe(v, static_cast<Listening&>(s));
  v.field("transport", s.transport).help("what carries CoAP (传输协议)").restarts();
  v.field("psk", s.psk).help("with secure: devices may prove themselves with their secureKey instead of a certificate");
  v.field("sessionTimeout", s.session_timeout)
      .range(1, 2'592'000)
      .help("seconds of silence after which a device is offline and forgotten");
  v.field("maxMessageSize", s.max_message_size)
      .range(1024, 268'435'455)
      .help("largest body, put together from its blocks, bytes");
}

template <class V>
void describe(V& v, MqttClient& s) {
  v.field("remoteHost", s.remote_host)
      .formerly("host")
      .required()
      .help("address or name of the broker (远程地址)")
      .restarts()
      .per_node()
      .check(check_host)
      .example("broker.example.com");
  v.field("remotePort", s.remote_port)
      .formerly("port")
      .required()
      .range(1, 65535)
      .help("port of the broker (远程端口)")
      .restarts()
      .per_node()
      .example("1883");
  v.field("clientId", s.client_id)
      .max_length(64)
      .help("client id to connect with, one per node; default: the component's id (客户端ID)")
      .restarts()
      .per_node();
  v.field("username", s.username).max_length(64).help("user name at the broker (用户名)").restarts().per_node();
  v.field("password", s.password).max_length(64).help("its password (密码)").restarts().per_node();
  v.field("mqttVersion", s.mqtt_version).help("version of MQTT that the broker speaks").restarts().example("5");
  v.field("cleanSession", s.clean_session)
      .help("do not let the broker keep QoS 1 messages while the connection is down")
      .restarts();
  v.field("topicPrefix", s.topic_prefix)
      .max_length(64)
      .check(check_topic_prefix)
      .help("put before each subscription as it is, for shared ones (订阅前缀)")
      .restarts()
      .example("$share/jlinkd/");
  v.field("maxMessageSize", s.max_message_size)
      .range(1024, 268'435'455)
      .help("largest packet to take from the broker, bytes (最大消息长度)");
  v.field("secure", s.secure).formerly("ssl").help("TLS to the broker (开启TLS)").restarts();
  v.field("certId", s.cert_id)
      .refers_to("cert")
      .flag("cert")
      .help("certificate: its trust for the broker, its key for us; none = the system's trust (证书)")
      .restarts();
  v.field("privateKeyAlias", s.private_key_alias)
      .max_length(64)
      .help("entry of the certificate to use, when it has several (私钥别名)")
      .restarts();
  v.field("verifyHost", s.verify_host)
      .help("the broker's certificate must name remoteHost; its chain is verified either way")
      .restarts();
  for (const char* key : {"serverId", "publicSecure", "publicCertId"}) v.drop(key);
}

template <class V>
void describe(V& v, ClusterEntry& s) {
  v.field("serverId", s.server_id)
      .required()
      .max_length(64)
      .help("node.id of the node that runs this configuration (集群节点)");
  v.field("configuration", s.configuration)
      .selected_by("type", network_variants())
      .help("what that node runs; fields as in spec.configuration");
  v.drop("tags");
}

template <class V>
void describe(V& v, Network& s) {
  v.field("type", s.type).required().immutable().help("kind of component (组件类型)").example("MQTT_SERVER");
  v.field("shareCluster", s.share_cluster).help("every node runs the same configuration (共享配置)");
  v.field("configuration", s.configuration)
      .required_when("shareCluster")
      .selected_by("type", network_variants())
      .help("what runs; its fields depend on the type");
  v.field("cluster", s.cluster)
      .max_length(256)
      .help("configuration per node, used when shareCluster is false (独立配置)");
  v.drop("typeObject");
}

}  // namespace jl::model
