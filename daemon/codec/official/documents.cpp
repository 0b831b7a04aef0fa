#include "daemon/codec/official/documents.hpp"

namespace jl::codec::official {
namespace {
constexpr std::string_view kMqtt = R"(# MQTT

**Connect** with MQTT 3.1, 3.1.1 or 5. The client id is the device id.

**Authenticate** in one of two ways (`secureType` pins one):

- md5: the user name is `secureId|T`, T the milliseconds since 1970, at most five minutes off. The password is the MD5
  of `secureId|T|secureKey` as 32 hexadecimal digits.
- plaintext: the user name is `secureId`, the password `secureKey`.

**Report** by publishing JSON below `/{productId}/{deviceId}`. QoS 1 is acknowledged once the message is safe.

    topic    /sensor/dev-1/properties/report
    payload  {"properties":{"temp":21.5,"on":true}}

`timestamp` (milliseconds) is the time of reception when left out. Other topics: `event/{eventId}`, `tags`, `log`,
`online`, `offline`, `firmware/...`; a gateway speaks for a child on `child/{childId}/...`.

**Commands** arrive on the device's own topics, subscribed or not. Answer on the same topic with `/reply` behind it, and
repeat the `messageId`:

    from     /sensor/dev-1/properties/write
             {"messageType":"WRITE_PROPERTY","messageId":"77","deviceId":"dev-1","timestamp":T,"properties":{"on":false}}
    answer   /sensor/dev-1/properties/write/reply
             {"messageId":"77","success":true,"properties":{"on":false}}

A failure is `{"messageId":"77","success":false,"code":"E42","message":"relay is stuck"}`.

`time-sync` with `{"messageId":"1"}` is answered on `time-sync/reply` with the time.
)";

constexpr std::string_view kTcp = R"(# TCP

Binary; integers are big-endian. **Every frame** is a length of 4 bytes, which does not count itself, and a message:

    type u8, timestamp i64 (ms, 0 = now), sequence u16, device id STRING, body

STRING is a length of 2 bytes and UTF-8. The network component cuts frames by a length field of 4 bytes at offset 0.

**Log in** with the first frame: type 01, body STRING `secureKey`. The answer is type 02 with one byte: 00 welcome,
01 not recognised (and the connection ends), 02 not supported. Device `d1`, key `key1`:

    00000015 01 0000018bcfe56800 0000 0002 6431 0004 6b657931
    00000010 02 0000018bcfe56800 0000 0002 6431 00

**Report** with type 03 and an OBJECT: a count of 2 bytes, then for each property its name as STRING, a type byte and the
value. `{"temp":21.5}` as sequence 1:

    00000020 03 0000018bcfe56800 0001 0002 6431 0001 0004 74656d70 0a 4035800000000000

Types: 00 null, 01 boolean (1 byte), 02 to 05 signed integers of 1, 2, 4, 8 bytes, 06 to 08 unsigned of 1, 2, 4,
09 float, 0a double, 0b STRING, 0c BINARY (length of 2 bytes), 0d ARRAY (count of 2 bytes, typed values), 0e OBJECT.
An event is type 0a: STRING event id, OBJECT data. A frame `00000001 00` keeps the connection alive. Reports are not
acknowledged.

**Commands** are 04 read (ARRAY of names), 06 write (OBJECT), 08 function (STRING id, OBJECT inputs). Answer within 30
seconds with 05, 07 or 09 **and the same sequence**: one byte 01 and the result (an OBJECT; for 09 a typed function id
and a typed output), or 00, a typed code and a typed message. A read of `temp` and its answer:

    00000018 04 0000018bcfe56800 0001 0002 6431 0001 0b 0004 74656d70
    00000021 05 0000018bcfe56800 0001 0002 6431 01 0001 0004 74656d70 0a 4035800000000000
)";

constexpr std::string_view kUdp = R"(# UDP

The messages are those of TCP without the length. **Every datagram** begins with the byte 00 and STRING `secureKey`
(a length of 2 bytes, then the key): there is no login, each datagram proves itself.

**Report** `{"temp":21.5}` as sequence 1 of device `d1` with key `key1`. The answer, to every datagram, is an ack (type
02) with an empty key: 00 accepted, 01 wrong key or unknown device, 02 not supported.

    00 0004 6b657931 03 0000018bcfe56800 0001 0002 6431 0001 0004 74656d70 0a 4035800000000000
    00 0000          02 0000018bcfe56800 0001 0002 6431 00

An online message (01) is a datagram like any other; the key in its body is not looked at. Bodies, types and values are
those of TCP.

**Commands** go to the address that the last datagram came from, so report often enough for the routers between. They
carry the key as well: drop what has another. Answer within 30 seconds with the same sequence:

    00 0004 6b657931 04 0000018bcfe56800 0001 0002 6431 0001 0b 0004 74656d70
    00 0004 6b657931 05 0000018bcfe56800 0001 0002 6431 01 0001 0004 74656d70 0a 4035800000000000
)";

constexpr std::string_view kHttp = R"(# HTTP

The path is the topic of MQTT and the body its JSON. **Authenticate** each request with
`Authorization: Bearer {bearer_token}`.

**Report** by POST:

    curl -H 'Authorization: Bearer tok-42' -d '{"properties":{"temp":21.5}}' \
      http://gateway:8800/sensor/dev-1/properties/report
    {"success":true}

| status | code | meaning |
|---|---|---|
| 200 | | taken |
| 400 | bad_request | no such path, or the body is not what it asks for |
| 401 | unauthorized | no token, not the device's, or no such device |
| 503 | server_error | not now; try again |

Every topic that devices publish to works: `event/{eventId}`, `online`, `offline`, `tags`, `log`, `child/{childId}/...`.

**Commands** cannot come down this way: use WebSocket, MQTT or CoAP. So the device answers none, unless it was asked some
other way: `POST .../properties/read/reply` with `{"messageId":"77","properties":{"temp":21.5}}`.
)";

constexpr std::string_view kWebSocket = R"(# WebSocket

**Connect** to `/{productId}/{deviceId}/socket` and **authenticate** by `?token={bearer_token}`, percent-encoded, or by the
header `Authorization: Bearer {bearer_token}`:

    ws://gateway:8800/sensor/dev-1/socket?token=tok-42

Messages are JSON objects, one in each text frame, with their type in `messageType`.

**Report**:

    {"messageType":"REPORT_PROPERTY","properties":{"temp":21.5}}

`deviceId` may be left out; `timestamp` (milliseconds) is the time of reception then. Say the type: without it, an object
of properties is taken for the answer to a read. Nothing is acknowledged.

**Commands** come as such messages. Answer with the type plus `_REPLY` and the same `messageId`:

    {"messageType":"INVOKE_FUNCTION","messageId":"78","deviceId":"dev-1","timestamp":T,"functionId":"reboot",
     "inputs":[{"name":"delay","value":5}]}
    {"messageType":"INVOKE_FUNCTION_REPLY","messageId":"78","success":true,"output":{"code":0}}

A gateway speaks for a child by wrapping, and is spoken to alike:

    {"messageType":"CHILD","childDeviceMessage":{"messageType":"REPORT_PROPERTY","deviceId":"c1","properties":{"t":1}}}
)";

constexpr std::string_view kCoap = R"(# CoAP

POST to the topic of MQTT as path, `coap://gateway/{productId}/{deviceId}/properties/report`, with JSON in the payload, or
CBOR with Content-Format 60.

**Authenticate** by the payload: it is encrypted with AES-128 in ECB mode, PKCS#7 padding, and the 16 characters of
`secureKey` as key. Over DTLS (`coaps://`, pre-shared key: identity the device id, key `secureKey`) the payload is plain.

**Report** `{"properties":{"temp":21.5}}`, here with openssl and libcoap's client and the key `0123456789abcdef`:

    printf '{"properties":{"temp":21.5}}' |
      openssl enc -aes-128-ecb -K 30313233343536373839616263646566 |
      coap-client -m post -f - coap://gateway/sensor/dev-1/properties/report

Responses: 2.01 taken, 4.00 not encrypted with the key or not what the path asks for, 4.01 no such device, 4.04 no such
path. A gateway may name itself in option 2100 and post to the path of its child. `time-sync` with `{"messageId":"1"}` is
answered at once, 2.05 with the time, which is not encrypted.

**Commands** reach who observes (RFC 7641) `coap://gateway/{productId}/{deviceId}`, by FETCH with `{"timestamp":T}`, T in
milliseconds and within five minutes of the gateway's clock, encrypted as above; over DTLS a plain GET does. What comes is
JSON in the same wrapping. Answer by POST to the path of the reply, with the same `messageId`:

    notified  {"messageType":"READ_PROPERTY","messageId":"79","deviceId":"dev-1","timestamp":T,"properties":["temp"]}
    POST      /sensor/dev-1/properties/read/reply  {"messageId":"79","properties":{"temp":21.5}}
)";
}  // namespace

std::string_view document(Transport transport) {
  switch (transport) {
    case Transport::mqtt:
      return kMqtt;
    case Transport::tcp:
      return kTcp;
    case Transport::udp:
      return kUdp;
    case Transport::http:
      return kHttp;
    case Transport::websocket:
      return kWebSocket;
    case Transport::coap:
      return kCoap;
    case Transport::modbus:
      break;
  }
  return {};
}

}  // namespace jl::codec::official
