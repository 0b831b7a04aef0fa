// Media servers: whom to trust, and what would not work although it may be stored (operations.md 3.1).
#include "common/model/media.hpp"

#include "daemon/services/rules.hpp"

namespace jl::services {

using model::MediaServer;

Status check_media_server(RuleContext& context, const Resource*, const Resource* after) {
  if (!after) return {};
  const auto spec = model::from_json<MediaServer>(after->spec);
  const auto& configuration = spec.configuration;
  const std::string url = configuration.base_url();
  if (const std::string& cert_id = configuration.cert_id.id; !cert_id.empty()) {
    JL_TRY(const auto* cert, opened_cert(context, cert_id));
    if (cert && *cert && (*cert)->bundle && (*cert)->bundle->trust.empty())
      context.problem(*after, "spec.configuration.certId", "cert \"" + cert_id + "\" holds no authorities to trust");
    if (!url.starts_with("https://"))
      context.warnings.push_back("media-server \"" + after->id + "\": certId has no effect: the API is not https");
  }
  if (spec.provider == model::MediaProvider::zlmediakit && configuration.secret.empty())
    context.warnings.push_back("media-server \"" + after->id +
                               "\": without a secret ZLMediaKit answers nothing that is asked");
  return context.view.for_each("media-server", [&](const Resource& other) {
    if (other.id == after->id) return;
    if (model::from_json<MediaServer>(other.spec).configuration.base_url() == url)
      context.warnings.push_back("media-server \"" + after->id + "\" is the same server as \"" + other.id + "\"");
  });
}

}  // namespace jl::services
