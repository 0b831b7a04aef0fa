#include "daemon/access/refusals.hpp"

#include "common/base/words.hpp"

namespace jl::access {

codec::Stranger stranger_of(const Refusal& refusal) {
  return refusal.kind == Refusal::Kind::unavailable ? codec::Stranger::unavailable : codec::Stranger::unknown;
}

void note_refusal(const Context& context, log::RateLimit& limit, std::string_view logger, std::string_view network_id,
                  std::string_view device_id, std::string_view peer, std::string_view why) {
  if (context.is_traced(device_id)) context.traces->trouble(device_id, why, context.clock.now());
  std::uint64_t held = 0;
  if (!limit.allow(context.clock.steady(), held)) return;
  const std::string_view shown = is_printable_utf8(device_id) ? device_id.substr(0, 64) : "(unprintable)";
  log::warn(logger, "refused network={} device={} peer={} reason=\"{}\" more={}", network_id, shown, peer, why, held);
}

}  // namespace jl::access
