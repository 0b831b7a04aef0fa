// Observations inside of libcoap. A private resource stands for each of them: libcoap then asks for the next
// notification when the one before is acknowledged, which 4.3.1 tells in no other way.
#include "daemon/base/log.hpp"
#include "daemon/network/coap_library.hpp"
#include "daemon/network/coap_pdu.hpp"

#include <coap3/coap.h>
#include <fmt/format.h>
#include <openssl/rand.h>
#include <array>
#include <utility>

namespace jl::network {
namespace {

constexpr std::string_view kLogger = "network.coap";
constexpr std::size_t kPathBytes = 16;
constexpr std::size_t kHead = 8;  // of a notification: header and Observe option

}  // namespace

struct CoapLibrary::Observing {
  /// A subscription is made or ended, or its next notification may leave.
  static void next(coap_resource_t* resource, coap_session_t* session, const coap_pdu_t*, const coap_string_t*,
                   coap_pdu_t* response) {
    auto* subscription = static_cast<CoapSubscription*>(coap_resource_get_userdata(resource));
    // Those of inject() are non-confirmable; without a code their response is dropped.
    if (subscription == nullptr || coap_pdu_get_type(response) != COAP_MESSAGE_CON) return;
    // An error here would make libcoap 4.3.1 use the subscription after freeing it.
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
    guard([&] {
      CoapLibrary& library = of(session);
      const bool is_repeat = !std::exchange(subscription->is_marked, false);
      std::size_t bytes = 0;
      const CoapReply reply = library.events_.next_notification(subscription->id, is_repeat);
      if (!complete_pdu(*response, reply, bytes)) log::debug(kLogger, "a notification does not fit");
      library.events_.on_sent(kHead + subscription->token.size() + bytes);
    });
  }
};

std::shared_ptr<CoapSubscription> CoapLibrary::subscribe(coap_session_t& session, std::string token, ObserverId id) {
  hold(session);
  opening_.push_back(std::make_shared<CoapSubscription>(CoapSubscription{&session, std::move(token), id}));
  return opening_.back();
}

void CoapLibrary::mark(const std::shared_ptr<CoapSubscription>& subscription) { marked_.push_back(subscription); }

void CoapLibrary::close(const std::shared_ptr<CoapSubscription>& subscription, bool tell) {
  if (!std::exchange(subscription->is_open, false)) return;
  subscription->tells_end = tell;
  closing_.push_back(subscription);
}

void CoapLibrary::open_resource(CoapSubscription& subscription) {
  // Requests of peers cannot guess the path.
  std::array<unsigned char, kPathBytes> random{};
  if (RAND_bytes(random.data(), random.size()) != 1) return;
  const std::string path = fmt::format("{:02x}", fmt::join(random, ""));
  coap_str_const_t name{path.size(), reinterpret_cast<const std::uint8_t*>(path.data())};
  coap_resource_t* resource = coap_resource_init(&name, COAP_RESOURCE_FLAGS_NOTIFY_CON);
  if (resource == nullptr) return;
  coap_register_request_handler(resource, COAP_REQUEST_GET, &Observing::next);
  coap_resource_set_get_observable(resource, 1);
  coap_resource_set_userdata(resource, &subscription);
  coap_add_resource(context_, resource);
  subscription.resource = resource;
}

/// Gives libcoap the request that makes (0) or ends (1) a subscription with the peer's token, as if the peer had sent
/// it: 4.3.1 has no other way, and asynchronous requests are the one that leads there.
bool CoapLibrary::inject(const CoapSubscription& subscription, int observe) {
  coap_session_t* session = subscription.session;
  coap_pdu_t* pdu = coap_pdu_init(COAP_MESSAGE_NON, COAP_REQUEST_CODE_GET, coap_new_message_id(session), 128);
  if (pdu == nullptr) return false;
  const auto* token = reinterpret_cast<const std::uint8_t*>(subscription.token.data());
  const coap_str_const_t* path = coap_resource_get_uri_path(subscription.resource);
  const auto value = static_cast<std::uint8_t>(observe);
  const bool is_written = coap_add_token(pdu, subscription.token.size(), token) != 0 &&
                          coap_add_option(pdu, COAP_OPTION_OBSERVE, observe == 0 ? 0 : 1, &value) != 0 &&
                          coap_add_option(pdu, COAP_OPTION_URI_PATH, path->length, path->s) != 0;
  coap_async_t* request = is_written ? coap_register_async(session, pdu, 0) : nullptr;
  if (request != nullptr) coap_async_trigger(request);
  coap_delete_pdu(pdu);
  return request != nullptr;
}

void CoapLibrary::settle() {
  if (inside_) return;
  while (!opening_.empty() || !closing_.empty() || !marked_.empty()) {
    // First those that go: the same token may come back.
    const auto closing = std::exchange(closing_, {});
    bool any = false;
    for (const auto& each : closing) {
      if (each->resource != nullptr && is_established(*each->session)) any |= inject(*each, 1);
    }
    if (any) run();
    for (const auto& each : closing) {
      if (each->resource != nullptr) coap_delete_resource(context_, std::exchange(each->resource, nullptr));
      if (each->tells_end) {
        CoapReply gone{.kind = CoapReply::Kind::confirmable, .code = 404, .token = each->token};
        send(*each->session, gone);
      }
      release(*each->session);
    }
    const auto opening = std::exchange(opening_, {});
    for (const auto& each : opening) {
      if (!each->is_open || !is_established(*each->session)) continue;
      open_resource(*each);
      if (each->resource != nullptr) inject(*each, 0);
    }
    if (!opening.empty()) run();
    for (const auto& each : std::exchange(marked_, {})) {
      if (!each->is_open || each->resource == nullptr) continue;
      each->is_marked = true;
      ++each->sequence;
      // Without a subscriber there is nobody to tell.
      if (coap_resource_notify_observers(each->resource, nullptr) == 0) {
        events_.on_undelivered(*each->session, 0, each->token, true);
      }
    }
    run();
  }
}

}  // namespace jl::network
