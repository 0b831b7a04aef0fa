#pragma once
// A bundle at a glance, as lists, `cert show`, `cert check` and `cert test-connect` show it.
#include "common/base/time.hpp"
#include "common/cert/bundle.hpp"

#include <boost/json/object.hpp>

namespace jl::cert {

/// {validity, notAfter, daysLeft, subject, issuer, sans, notBefore, serial, keyType, signature, fingerprint, entries?,
/// trust: how many}; the certificate is the leaf of the first entry, or the first that is trusted. With `detailed` also
/// chain and authorities: [{subject, issuer, notAfter, fingerprint}]. `summary` is describe() of the bundle. Nothing
/// secret.
[[nodiscard]] boost::json::object overview(const Bundle& bundle, const boost::json::object& summary, Millis now,
                                           bool detailed);

}  // namespace jl::cert
