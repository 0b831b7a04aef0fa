#pragma once
// The control API's fixed points: HTTP/1.1 + JSON over a Unix socket. jlinkd serves it, jlctl calls it, curl can too.
#include <cstdint>
#include <string_view>

namespace jl::control {

/// Version of the API as "major.minor": another major is another contract, a higher minor only adds.
inline constexpr int kApiMajor = 1;
inline constexpr int kApiMinor = 0;
inline constexpr std::string_view kApiVersion = "1.0";
inline constexpr std::string_view kProgramVersion = "0.1.0";
/// Schema word of every JSON document that jlctl prints.
inline constexpr std::string_view kOutputSchema = "jlctl/v1";

inline constexpr std::string_view kDefaultSocket = "/run/jlinkd/control.sock";
inline constexpr std::string_view kDefaultConfig = "/etc/jlinkd/jlinkd.yaml";

// Headers. Replies carry the first two; requests of jlctl carry Jlctl-Api.
inline constexpr std::string_view kHeaderVersion = "Jlinkd-Version";
inline constexpr std::string_view kHeaderApi = "Jlinkd-Api";
inline constexpr std::string_view kHeaderClientApi = "Jlctl-Api";
inline constexpr std::string_view kHeaderRequestId = "Jlinkd-Request-Id";
/// What sudo and ssh say about who is behind a call; recorded as claimed, never trusted.
inline constexpr std::string_view kHeaderClaimedUser = "Jlctl-Sudo-User";
inline constexpr std::string_view kHeaderClaimedFrom = "Jlctl-Ssh-Connection";

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kNdjson = "application/x-ndjson";
inline constexpr std::string_view kProblemJson = "application/problem+json";

// Limits of the server. Requests above them are refused with too_large or busy.
inline constexpr std::uint64_t kMaxBody = 1u << 20u;         ///< bytes of an ordinary request body
inline constexpr std::uint64_t kMaxApplyBody = 256u << 20u;  ///< bytes of an apply or diff
inline constexpr std::uint32_t kMaxHeader = 16u << 10u;      ///< bytes of a request's header
inline constexpr std::size_t kMaxConnections = 256;          ///< control connections at once
inline constexpr std::size_t kMaxStreams = 64;               ///< of these, how many may be streams

}  // namespace jl::control
