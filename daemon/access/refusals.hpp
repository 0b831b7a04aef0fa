#pragma once
// What transports without a word of their own for it do with those who may not come in.
#include "daemon/access/admission.hpp"
#include "daemon/base/log.hpp"

#include <string_view>

namespace jl::access {

/// What a protocol is told of a refusal.
[[nodiscard]] codec::Stranger stranger_of(const Refusal& refusal);

/// Logs a refusal at a bounded rate; what comes from the peer is shortened and made printable.
void note_refusal(const Context& context, log::RateLimit& limit, std::string_view logger, std::string_view network_id,
                  std::string_view device_id, std::string_view peer, std::string_view why);

}  // namespace jl::access
