#pragma once
// Ids that JetLinks allows and jlinkd does not.
#include <string>
#include <string_view>

namespace jl::cli::jetlinks {

/// The id itself when it is legal here, else one made of it that is the same every time: what is legal of it, and a
/// hash of all of it. Of a text without a legal character it starts with the kind: "gateway-6fd1c0a2b3e4f556".
[[nodiscard]] std::string legal_id(std::string_view kind, std::string_view id);

/// The name of an environment variable for a secret that the export does not have:
/// JETLINKS_NETWORK_MQTT_1_PASSWORD. Ids that differ only in case or punctuation share it.
[[nodiscard]] std::string variable_for(std::string_view kind, std::string_view id, std::string_view field);

}  // namespace jl::cli::jetlinks
