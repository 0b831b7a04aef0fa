#pragma once
// What the CoAP component knows of one peer, and of one request of it until that is answered.
#include "daemon/network/coap_message.hpp"
#include "daemon/network/coap_recent.hpp"
#include "daemon/network/coap_server.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <string>

struct coap_session_t;

namespace jl::network {

/// One address, or one DTLS session, from its first request on.
struct CoapPeer {
  coap_session_t* session;
  std::string address, identity, subject;
  CoapRecent recent{};
  Millis window_start = 0;      ///< of the second in which requests are counted
  std::uint32_t in_window = 0;  ///< requests in it
  std::uint32_t open = 0;       ///< exchanges that wait for the handler or for a commit
  Millis heard = 0;             ///< when it sent its last request, or answered a ping
  int ping = -1;                ///< message ID of the ping that is under way
  Millis late_start = 0;        ///< of the time in which answers of their own are counted
  std::uint32_t late = 0;       ///< confirmable ones in it
  Millis deaf_until = 0;        ///< it did not acknowledge: nothing is confirmable until then
};

struct CoapExchange {
  coap_session_t* session;  ///< nullptr: gone
  CoapMessage request;      ///< its views are empty
  std::string token;
  std::uint64_t key;  ///< of the response's body
  Millis since;
  std::string device_option{}, payload{};  ///< of a request that wants to observe
  CoapResponse response{};
  bool is_answered = false;                                    ///< by the handler
  bool is_asking = true;                                       ///< the handler is being called
  bool is_open = false;                                        ///< waits, and holds its session
  std::list<std::shared_ptr<CoapExchange>>::iterator place{};  ///< among those that do
  bool is_acknowledged = false;                                ///< the answer comes in a message of its own
  bool is_made_anew = false;                                   ///< its answer, if the request is repeated
};

}  // namespace jl::network
