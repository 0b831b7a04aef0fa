#include "common/cert/store.hpp"
namespace jl::cert {
Result<Store> read_pkcs12(std::string_view, const StorePasswords&) {
  return Error{Errc::unsupported, "the key store is PKCS#12"};
}
}  // namespace jl::cert
