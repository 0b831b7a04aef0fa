#include "common/text/redact.hpp"

#include "tests/unit/common/text/support.hpp"

using namespace jl;
using namespace jl::text;

TEST_SUITE("common.text") {
  TEST_CASE("keys that name a secret are told by their words [cli.md 50]") {
    for (const char* key :
         {"secureKey",      "secure_key",  "SECURE-KEY",    "securekey",     "bearer_token",   "bearerToken",
          "token",          "accessToken", "password",      "Password",      "passwd",         "userPassword",
          "userpassword",   "db.password", "password2Hash", "pwd",           "adminPwd",       "secret",
          "clientSecret",   "secretKey",   "privateKey",    "private_key",   "apiKey",         "APIKey",
          "API_KEY",        "psk",         "passphrase",    "Authorization", "encryptionKeys", "credentials",
          "tls.keyPassword"}) {
      CAPTURE(key);
      CHECK(is_secret_key(key));
    }
    for (const char* key : {"",
                            "id",
                            "key",
                            "keys",
                            "keyId",
                            "secureId",
                            "secretId",
                            "secretName",
                            "tokenType",
                            "tokenExpiresAt",
                            "publicKey",
                            "public_key",
                            "monkey",
                            "passwordFile",
                            "password_policy",
                            "privateKeyAlias",
                            "name",
                            "port",
                            "tokenTtl",
                            "host",
                            "compass",
                            "author",
                            "keyboard",
                            "_",
                            "..."}) {
      CAPTURE(key);
      CHECK_FALSE(is_secret_key(key));
    }
    CHECK(is_secret_key(std::string(1'000'000, 'x') + "Password"));
  }

  TEST_CASE("values of secret keys are masked wherever they stand, whatever they are") {
    CHECK(redact(js("{'id':'d','spec':{'configuration':{'secureId':'s','secureKey':'k'},'list':[{'password':'p'}],'"
                    "token':{'a':['b']},'secret':null,'pwd':7}}")) ==
          js("{'id':'d','spec':{'configuration':{'secureId':'s','secureKey':'***'},'list':[{'password':'***'}],'token':"
             "'***','secret':null,'pwd':'***'}}"));
    CHECK(redact("text") == json::value("text"));
    CHECK(redact(js("[1,2.5,true,null]")) == js("[1,2.5,true,null]"));
  }

  TEST_CASE("private keys are masked by what they are: PEM anywhere, long texts called key, key stores") {
    const std::string pem = "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\n";
    const std::string base64(64, 'A');
    const json::value given{{"pem", pem},
                            {"notes", {"x", "y " + pem}},
                            {"key", base64},
                            {"KEY", pem},
                            {"keystoreBase64", "MIIB"},
                            {"cert", base64},
                            {"row", {{"key", "secureId"}, {"type", "string"}}}};
    CHECK(redact(given) == json::value{{"pem", "***"},
                                       {"notes", {"x", "***"}},
                                       {"key", "***"},
                                       {"KEY", "***"},
                                       {"keystoreBase64", "***"},
                                       {"cert", base64},
                                       {"row", {{"key", "secureId"}, {"type", "string"}}}});
    CHECK(redact(js("{'spec':{'configs':{'key':'short','cert':'c','keyPwd':'p'},'key':'k'}}")) ==
          js("{'spec':{'configs':{'key':'***','cert':'c','keyPwd':'***'},'key':'k'}}"));
    CHECK(redact(json::value{{"keystoreBase64", nullptr}}) == json::value{{"keystoreBase64", nullptr}});
  }

  TEST_CASE("what URLs have in front of their hosts is masked, wherever they stand [RFC 3986 3.2.1]") {
    struct Row {
      std::string_view text, want;
    };
    for (const auto& row :
         {Row{"https://u:p@h/x", "https://***@h/x"}, Row{"https://u@h", "https://***@h"},
          Row{"https://u:p@x@h/", "https://***@h/"}, Row{"https://:@h?a=b@c", "https://***@h?a=b@c"},
          Row{"https://h/x@y", "https://h/x@y"}, Row{"https://h", "https://h"}, Row{"://", "://"},
          Row{"://@", "://***@"}, Row{"u:p@h", "u:p@h"}, Row{"", ""},
          Row{"from http://a:b@c/ to ftp://d@e, mail f@g", "from http://***@c/ to ftp://***@e, mail f@g"}}) {
      CAPTURE(row.text);
      CHECK(text::mask_userinfo(row.text) == row.want);
      CHECK(text::redact(json::value(row.text)) == json::value(row.want));
    }
    const json::value body{{"url", "https://me:" + std::string(600, 'p') + "@h/"}};
    CHECK(text::redact(body) == json::value{{"url", "https://***@h/"}});
  }

  TEST_CASE("long texts are cut at a character's end") {
    CHECK(redact(json::value(std::string(512, 'x'))) == json::value(std::string(512, 'x')));
    CHECK(redact(json::value(std::string(513, 'x'))) == json::value(std::string(512, 'x') + "... (513 bytes)"));
    RedactLimits limits;
    limits.text = 4;
    CHECK(redact("温度x", limits) == json::value("温... (7 bytes)"));
    CHECK(redact(json::object{{"longer", 1}}, limits) == js("{'long... (6 bytes)':1}"));
  }

  TEST_CASE("depth and size are bounded") {
    json::value deep = 1;
    for (int i = 0; i < 30; ++i) deep = json::array{deep};
    const std::string text = json::serialize(redact(deep));
    CHECK(text == std::string(17, '[') + "\"...\"" + std::string(17, ']'));
    json::array wide(100'000, json::value(1));
    const json::value cut = redact(wide);
    CHECK(cut.as_array().size() <= 2001);
    CHECK(cut.as_array().back() == json::value("... 98001 more"));
    json::object many;
    for (int i = 0; i < 5000; ++i) many["k" + std::to_string(i)] = i;
    CHECK(redact(many).as_object().size() <= 2001);
  }
}
