#include "common/cert/overview.hpp"

#include "common/cert/check.hpp"

#include <boost/json.hpp>

namespace jl::cert {
namespace json = boost::json;
namespace {

void copy_members(json::object& to, const json::object& from, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (const auto* value = from.if_contains(key)) to[key] = *value;
  }
}

const json::array& list_at(const json::object& from, const char* key) {
  static const json::array none;
  const auto* value = from.if_contains(key);
  return value && value->is_array() ? value->get_array() : none;
}

// The chain of the first entry that has certificates.
const json::array& first_chain(const json::object& summary) {
  static const json::array none;
  for (const auto& entry : list_at(summary, "entries")) {
    const auto* object = entry.if_object();
    if (object && !list_at(*object, "certificates").empty()) return list_at(*object, "certificates");
  }
  return none;
}

json::array rows_of(const json::array& certificates) {
  json::array out;
  for (const auto& certificate : certificates) {
    if (!certificate.is_object()) continue;
    json::object row;
    copy_members(row, certificate.get_object(), {"subject", "issuer", "notAfter", "fingerprint"});
    out.push_back(std::move(row));
  }
  return out;
}

json::array entries_of(const Bundle& bundle) {
  json::array out;
  for (const Entry& entry : bundle.entries) {
    json::object row{{"alias", entry.alias}, {"key", entry.key != nullptr}, {"certificates", entry.chain.size()}};
    if (!entry.chain.empty()) row["subject"] = subject_of(*entry.chain.front());
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace

json::object overview(const Bundle& bundle, const json::object& summary, Millis now, bool detailed) {
  json::object out{{"validity", validity(bundle, now)}};
  if (const Millis end = not_after(bundle); end > 0) {
    constexpr Millis kDay = 24LL * 3600 * 1000;
    const Millis left = end - now;
    out["notAfter"] = format_time(end);
    out["daysLeft"] = left >= 0 ? left / kDay : -((-left + kDay - 1) / kDay);
  }
  const json::array& chain = first_chain(summary);
  const json::array& trust = list_at(summary, "trust");
  const json::array& source = chain.empty() ? trust : chain;
  if (!source.empty() && source.front().is_object()) {
    copy_members(out, source.front().get_object(),
                 {"subject", "issuer", "sans", "notBefore", "serial", "keyType", "signature", "fingerprint"});
  }
  if (bundle.entries.size() > 1 || (!bundle.entries.empty() && !bundle.entries.front().alias.empty()))
    out["entries"] = entries_of(bundle);
  out["trust"] = bundle.trust.size();
  if (detailed) {
    out["chain"] = rows_of(chain);
    out["authorities"] = rows_of(trust);
  }
  return out;
}

}  // namespace jl::cert
