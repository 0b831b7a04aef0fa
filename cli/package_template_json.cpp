// Packages to start from: transports that carry topics and URLs, with JSON in them.
#include "cli/package_template.hpp"

namespace jl::cli {

TransportTemplate mqtt_template() {
  return {.transport_json = R"(
      "routes": [
        {"topic": "/{productId}/{deviceId}/report", "upstream": true, "description": "what the device measures",
         "example": "{\"temperature\": 21.5, \"battery\": 87}"},
        {"topic": "/{productId}/{deviceId}/read", "downstream": true, "description": "a question",
         "example": "{\"id\": \"m-1\", \"properties\": [\"temperature\"]}"},
        {"topic": "/{productId}/{deviceId}/read/reply", "upstream": true, "description": "its answer",
         "example": "{\"id\": \"m-1\", \"temperature\": 21.5}"}
      ],)",
          .main_js = R"(// @ID@ over MQTT; docs/protocol.md describes its topics.

// Called when a client connects; `device` is the one that the client id names, or null.
export function authenticate(request, device) {
  const key = device?.config("key");
  return Boolean(key) && request.username === device.id && request.password === key;
}

// Called for each message that a device publishes; returns the device messages that are in it.
export function decode(ctx) {
  const [, , deviceId, ...rest] = ctx.message.topic.split("/");
  if (ctx.device && ctx.device.id !== deviceId) throw new Error(`"${ctx.device.id}" speaks as "${deviceId}"`);
  switch (rest.join("/")) {
    case "report":
      return {messageType: "REPORT_PROPERTY", deviceId, properties: ctx.message.json()};
    case "read/reply": {
      const {id, ...properties} = ctx.message.json();
      return {messageType: "READ_PROPERTY_REPLY", deviceId, messageId: id, success: true, properties};
    }
    default:
      throw new Error(`topic "${ctx.message.topic}" is not known`);
  }
}

// Called for each command; returns what the device gets.
export function encode(ctx) {
  const {messageType, messageId, properties} = ctx.message;
  switch (messageType) {
    case "READ_PROPERTY":
      return {
        topic: `/${ctx.device.productId}/${ctx.device.id}/read`,
        payload: JSON.stringify({id: messageId, properties}),
      };
    case "DISCONNECT":
      return ctx.close();
    default:
      throw new Error(`${messageType} is not supported`);
  }
}
)",
          .document = R"(# @ID@ over MQTT

The client id and the user name are the device's id, the password is its key. Payloads are JSON.

| topic | from | payload |
|---|---|---|
| `/{productId}/{deviceId}/report` | device | `{"temperature": 21.5, "battery": 87}` |
| `/{productId}/{deviceId}/read` | gateway | `{"id": "m-1", "properties": ["temperature"]}` |
| `/{productId}/{deviceId}/read/reply` | device | `{"id": "m-1", "temperature": 21.5}` |
)",
          .tests = R"([
  {
    "name": "the key lets a device in",
    "transport": "MQTT",
    "device": {"id": "dev-1", "productId": "@ID@", "config": {"key": "secret"}},
    "authenticate": {"clientId": "dev-1", "username": "dev-1", "password": "secret"},
    "expect": {"success": true}
  },
  {
    "name": "another key does not",
    "transport": "MQTT",
    "device": {"id": "dev-1", "productId": "@ID@", "config": {"key": "secret"}},
    "authenticate": {"clientId": "dev-1", "username": "dev-1", "password": "guess"},
    "expect": {"success": false}
  },
  {
    "name": "a report",
    "transport": "MQTT",
    "device": {"id": "dev-1", "productId": "@ID@"},
    "decode": {"topic": "/@ID@/dev-1/report", "json": {"temperature": 21.5, "battery": 87}},
    "expect": {
      "messages": [
        {"messageType": "REPORT_PROPERTY", "deviceId": "dev-1", "properties": {"temperature": 21.5, "battery": 87}}
      ]
    }
  },
  {
    "name": "nobody speaks for another device",
    "transport": "MQTT",
    "device": {"id": "dev-1", "productId": "@ID@"},
    "decode": {"topic": "/@ID@/dev-2/report", "json": {"temperature": 21.5}},
    "expect": {"error": "speaks as"}
  },
  {
    "name": "reading asks on a topic",
    "transport": "MQTT",
    "device": {"id": "dev-1", "productId": "@ID@"},
    "encode": {"messageType": "READ_PROPERTY", "messageId": "m-1", "deviceId": "dev-1", "properties": ["temperature"]},
    "expect": {"sent": [{"topic": "/@ID@/dev-1/read", "json": {"id": "m-1", "properties": ["temperature"]}}]}
  },
  {
    "name": "a read reply",
    "transport": "MQTT",
    "device": {"id": "dev-1", "productId": "@ID@"},
    "decode": {"topic": "/@ID@/dev-1/read/reply", "json": {"id": "m-1", "temperature": -1}},
    "expect": {
      "messages": [{"messageType": "READ_PROPERTY_REPLY", "messageId": "m-1", "properties": {"temperature": -1}}]
    }
  }
]
)"};
}

TransportTemplate websocket_template() {
  return {.transport_json = R"(
      "routes": [
        {"path": "/{productId}/{deviceId}/socket", "upstream": true, "downstream": true,
         "description": "the device's connection; ?key= shows its key"}
      ],)",
          .main_js = R"(// @ID@ over WebSocket; docs/protocol.md describes its messages.

// Called when a device connects; returns who it is.
export function authenticate(request, device, ctx) {
  const deviceId = request.path.split("/")[2];
  const parameter = (request.query ?? "").split("&").find((part) => part.startsWith("key="));
  const key = decodeURIComponent((parameter ?? "key=").slice(4));
  const expected = (device ?? ctx.getDevice(deviceId))?.config("key");
  return {success: Boolean(expected) && key === expected, message: "wrong key", deviceId};
}

// Called for each message of a device; returns the device messages that are in it.
export function decode(ctx) {
  const {type, id, ...properties} = ctx.message.json();
  const deviceId = ctx.device.id;
  switch (type) {
    case "report":
      return {messageType: "REPORT_PROPERTY", deviceId, properties};
    case "readReply":
      return {messageType: "READ_PROPERTY_REPLY", deviceId, messageId: id, success: true, properties};
    default:
      throw new Error(`message type "${type}" is not known`);
  }
}

// Called for each command; returns what the device gets: a text makes a text frame.
export function encode(ctx) {
  const {messageType, messageId, properties} = ctx.message;
  switch (messageType) {
    case "READ_PROPERTY":
      return JSON.stringify({type: "read", id: messageId, properties});
    case "DISCONNECT":
      return ctx.close();
    default:
      throw new Error(`${messageType} is not supported`);
  }
}
)",
          .document = R"(# @ID@ over WebSocket

A device connects to `/{productId}/{deviceId}/socket?key=KEY`. Messages are text frames with JSON.

| from | message |
|---|---|
| device | `{"type": "report", "temperature": 21.5, "battery": 87}` |
| gateway | `{"type": "read", "id": "m-1", "properties": ["temperature"]}` |
| device | `{"type": "readReply", "id": "m-1", "temperature": 21.5}` |
)",
          .tests = R"([
  {
    "name": "the key lets a device in",
    "transport": "WebSocket",
    "device": {"id": "dev-1", "productId": "@ID@", "config": {"key": "s&t"}},
    "authenticate": {"path": "/@ID@/dev-1/socket", "query": "a=1&key=s%26t"},
    "expect": {"success": true}
  },
  {
    "name": "no key does not",
    "transport": "WebSocket",
    "device": {"id": "dev-1", "productId": "@ID@", "config": {"key": "secret"}},
    "authenticate": {"path": "/@ID@/dev-1/socket"},
    "expect": {"success": false}
  },
  {
    "name": "a report",
    "transport": "WebSocket",
    "device": {"id": "dev-1", "productId": "@ID@"},
    "decode": {"json": {"type": "report", "temperature": 21.5, "battery": 87}},
    "expect": {
      "messages": [
        {"messageType": "REPORT_PROPERTY", "deviceId": "dev-1", "properties": {"temperature": 21.5, "battery": 87}}
      ]
    }
  },
  {
    "name": "reading asks",
    "transport": "WebSocket",
    "device": {"id": "dev-1", "productId": "@ID@"},
    "encode": {"messageType": "READ_PROPERTY", "messageId": "m-1", "deviceId": "dev-1", "properties": ["temperature"]},
    "expect": {"sent": [{"json": {"type": "read", "id": "m-1", "properties": ["temperature"]}}]}
  },
  {
    "name": "a read reply",
    "transport": "WebSocket",
    "device": {"id": "dev-1", "productId": "@ID@"},
    "decode": {"json": {"type": "readReply", "id": "m-1", "temperature": -1}},
    "expect": {
      "messages": [{"messageType": "READ_PROPERTY_REPLY", "messageId": "m-1", "properties": {"temperature": -1}}]
    }
  }
]
)"};
}

TransportTemplate request_template() {
  return {.transport_json = R"(
      "routes": [
        {"address": "/{productId}/{deviceId}/report", "method": "POST", "upstream": true,
         "description": "what the device measures", "example": "{\"key\": \"...\", \"temperature\": 21.5, \"battery\": 87}"}
      ],)",
          .main_js = R"(// @ID@ over @TRANSPORT@; docs/protocol.md describes its requests.

// Called for each request; returns the device messages that are in it. There is no encode(): between requests nobody
// can be told anything.
export function decode(ctx) {
  const deviceId = ctx.message.path.split("/")[2];
  const {key, ...properties} = ctx.message.json();
  const expected = ctx.getDevice(deviceId)?.config("key");
  if (!expected || key !== expected) {
    ctx.respond({status: 401, payload: JSON.stringify({message: "wrong key"})});
    return [];
  }
  return {messageType: "REPORT_PROPERTY", deviceId, properties};
}
)",
          .document = R"(# @ID@ over @TRANSPORT@

A device sends `POST /{productId}/{deviceId}/report` with `{"key": "KEY", "temperature": 21.5, "battery": 87}`.
)",
          .tests = R"([
  {
    "name": "a report",
    "transport": "@TRANSPORT@",
    "device": {"id": "dev-1", "productId": "@ID@", "config": {"key": "secret"}},
    "decode": {
      "method": "POST",
      "path": "/@ID@/dev-1/report",
      "json": {"key": "secret", "temperature": 21.5, "battery": 87}
    },
    "expect": {
      "messages": [
        {"messageType": "REPORT_PROPERTY", "deviceId": "dev-1",
         "properties": {"temperature": 21.5, "battery": 87, "key": null}}
      ]
    }
  },
  {
    "name": "a report with another key is refused",
    "transport": "@TRANSPORT@",
    "device": {"id": "dev-1", "productId": "@ID@", "config": {"key": "other"}},
    "decode": {"method": "POST", "path": "/@ID@/dev-1/report", "json": {"key": "secret", "temperature": 21.5}},
    "expect": {"messages": [], "sent": [{"json": {"message": "wrong key"}}]}
  }
]
)"};
}

}  // namespace jl::cli
