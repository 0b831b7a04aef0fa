#include "common/model/cert.hpp"

namespace jl::model {

const std::vector<Word>& EnumWords<CertType>::words() {
  static const std::vector<Word> words{{"common", "international standard (国际标准)"}};
  return words;
}

const std::vector<Word>& EnumWords<CertFormat>::words() {
  static const std::vector<Word> words{
      {"PEM", "texts: key, cert, trust"}, {"JKS", "Java key store"}, {"PFX", "PKCS#12 key store", {"p12", "pkcs12"}}};
  return words;
}

const std::vector<Word>& EnumWords<CertMode>::words() {
  static const std::vector<Word> words{{"server", "for components that listen (服务端)"},
                                       {"client", "for components that dial out (客户端)"}};
  return words;
}

const std::vector<Word>& EnumWords<CertAuthentication>::words() {
  static const std::vector<Word> words{{"single", "only the server shows a certificate (单向认证)", {"one-way"}},
                                       {"binomial", "both show one (双向认证)", {"mutual"}}};
  return words;
}

}  // namespace jl::model
