// Calls that read firmware again: as a device would (ota check), and where it is kept (ota firmware verify).
#include "common/cert/digest.hpp"
#include "common/cert/signature.hpp"
#include "daemon/control/calls/calls.hpp"
#include "daemon/device/cert_info.hpp"
#include "daemon/network/http_fetch.hpp"
#include "daemon/network/open_file.hpp"

#include <vector>

namespace jl::control {
namespace json = boost::json;

namespace {

constexpr Millis kCheckTime = 3600LL * 1000;  // that the address of a check works

std::string text_of(const Call& call, const char* key) {
  const auto* value = call.body.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// Both digests of what goes by.
struct Digests {
  cert::Digest md5{cert::DigestKind::md5}, sha256{cert::DigestKind::sha256};
  std::uint64_t size = 0;
  void add(std::string_view bytes) { md5.add(bytes), sha256.add(bytes), size += bytes.size(); }
};

Status read_file(const std::string& path, Digests& digests) {
  JL_TRY(const auto file, network::OpenFile::open(path));
  std::vector<char> piece(256u << 10u);
  for (std::uint64_t at = 0;;) {
    JL_TRY(const std::size_t count, file->read_at(at, piece));
    if (count == 0) return {};
    digests.add({piece.data(), count});
    at += count;
  }
}

}  // namespace

void Calls::ota_check(const Call& call, const Reply& reply) {
  const auto& ota = r_.runtime.ota();
  std::string firmware_id = text_of(call, "firmware");
  if (firmware_id.empty()) firmware_id = ota.depot().any_served();
  if (firmware_id.empty()) {
    return reply->problem(
        Error(Errc::not_found, "no firmware is served from here, so there is nothing to fetch",
              "jlctl ota firmware add ID --product ID --version TEXT --order N --image FILE --sign auto"));
  }
  reply->notes({"ota-firmware/" + firmware_id, 0, 0});
  const auto server_id = ota.depot().server_for(text_of(call, "server"));
  if (!server_id) return reply->problem(server_id.error());
  const auto url = ota.depot().check_url(firmware_id, *server_id, r_.clock.now() + kCheckTime);
  if (!url) return reply->problem(url.error());
  network::FetchOptions options;
  options.url = *url;
  options.cancelled = &stopping_;
  if (const std::string cert_id = text_of(call, "cert"); !cert_id.empty()) {
    const auto cert = r_.catalogs.current()->cert(cert_id);
    if (!cert || !cert->bundle)
      return reply->problem(Error(Errc::not_found, "cert \"" + cert_id + "\" does not exist, or cannot be read",
                                  "jlctl cert list", "cert"));
    for (const auto& authority : cert->bundle->trust) options.authorities += device::to_pem(*authority);
    if (options.authorities.empty())
      return reply->problem(Error(Errc::invalid, "cert \"" + cert_id + "\" holds no authorities that it trusts",
                                  "jlctl cert show " + cert_id, "cert"));
  }
  const Millis begun = r_.clock.steady();
  Digests digests;
  const auto fetched = network::fetch(options, [&](std::string_view piece, const network::FetchProgress&) -> Status {
    digests.add(piece);
    return {};
  });
  // The key in the address is as good as a password while it lasts.
  const std::string shown = url->substr(0, url->find('?'));
  if (!fetched) {
    Error error = fetched.error();
    if (error.hint.empty()) error.hint = "compare publicUrl in jlctl ota server show " + *server_id;
    return reply->problem(error);
  }
  const auto firmware = ota.depot().firmware(firmware_id);
  const std::string sha256 = digests.sha256.hex();
  if (!firmware || sha256 != firmware->file_id) {
    return reply->problem(Error(Errc::sign_mismatch,
                                fmt::format("\"{}\" leads to something else: {} bytes with SHA-256 {}, not those of "
                                            "firmware \"{}\"",
                                            shown, digests.size, sha256, firmware_id),
                                "is there a proxy between, or another server behind that name?"));
  }
  reply->json(200, json::object{{"result", "ok"},
                                {"firmware", firmware_id},
                                {"server", *server_id},
                                {"url", shown},
                                {"bytes", digests.size},
                                {"elapsed", static_cast<double>(r_.clock.steady() - begun) / 1000.0},
                                {"sha256", sha256}});
}

void Calls::ota_verify(const Call& call, const Reply& reply) {
  reply->notes({"ota-firmware/" + call.id, 0, 0});
  const auto firmware = r_.runtime.ota().depot().firmware(call.id);
  if (!firmware)
    return reply->problem(
        Error(Errc::not_found, "firmware \"" + call.id + "\" does not exist", "jlctl ota firmware list"));
  Digests digests;
  Status read;
  if (!firmware->file_id.empty()) {
    read = read_file(r_.files.path_of(firmware->file_id), digests);
  } else {
    network::FetchOptions options;
    options.url = firmware->url;
    options.cancelled = &stopping_;
    const auto fetched = network::fetch(options, [&](std::string_view piece, const network::FetchProgress&) -> Status {
      digests.add(piece);
      return {};
    });
    if (!fetched) read = fetched.error();
  }
  if (!read) return reply->problem(read.error());
  const bool is_md5 = firmware->sign_method == model::SignMethod::md5;
  const std::string actual = is_md5 ? digests.md5.hex() : digests.sha256.hex();
  const auto differs = [&](const std::string& what) {
    reply->problem(
        Error(Errc::job_failed, "firmware \"" + call.id + "\": " + what, "upload it again as another version"));
  };
  if (actual != firmware->sign)
    return differs(fmt::format("its {} is {}, not {}", is_md5 ? "MD5" : "SHA-256", actual, firmware->sign));
  if (digests.size != static_cast<std::uint64_t>(firmware->size))
    return differs(fmt::format("it has {} bytes, not {}", digests.size, firmware->size));
  json::object out{{"result", "ok"},         {"id", call.id},
                   {"bytes", digests.size},  {"signMethod", is_md5 ? "md5" : "sha256"},
                   {"sign", firmware->sign}, {"actual", actual}};
  if (!firmware->signature.empty() && !firmware->file_id.empty()) {
    const auto signature = cert::read_signature(firmware->signature);
    if (!signature) return differs(signature.error().message);
    const auto cert = r_.catalogs.current()->cert(firmware->signature_cert_id.id);
    if (!cert || !cert->bundle) return differs("its cert \"" + firmware->signature_cert_id.id + "\" cannot be read");
    const Status valid = cert::verify_file_signature(r_.files.path_of(firmware->file_id), *signature, *cert->bundle);
    if (!valid) return differs(valid.error().message);
    out["signature"] = "ok";
  }
  reply->json(200, std::move(out));
}

}  // namespace jl::control
