#!/usr/bin/env bats
# Certificates through jlctl, with files that openssl and keytool made: every format, every refusal, renewal, and what
# must never be seen.
load helpers.bash

setup_file() {
  make_home
  cd "$home" || return 1
  umask 077
  {
    subject() { openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj "/CN=$1" "${@:2}"; }
    subject ca -days 400 -keyout ca.key -out ca.pem -addext basicConstraints=critical,CA:TRUE
    # Leaf names and what issues them: SIGNED NAME DAYS
    openssl req -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=gw.example -keyout sec8.key -out gw.csr
    printf 'subjectAltName=DNS:gw.example,IP:127.0.0.1\n' >ext
    openssl x509 -req -in gw.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 200 -extfile ext -out leaf.pem
    openssl x509 -req -in gw.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 10 -extfile ext -out soon.pem
    cat leaf.pem ca.pem >chain.pem
    cat ca.pem leaf.pem >wrong-order.pem
    openssl ec -in sec8.key -out sec1.key
    openssl pkcs8 -topk8 -in sec8.key -out encrypted.key -v2 aes-256-cbc -passout pass:canary-passphrase
    openssl req -x509 -nodes -newkey rsa:2048 -subj /CN=rsa.example -days 100 -keyout rsa.key -out rsa.pem
    openssl rsa -in rsa.key -traditional -out pkcs1.key
    openssl req -x509 -nodes -newkey rsa:1024 -subj /CN=weak.example -days 100 -keyout weak.key -out weak.pem
    openssl req -x509 -nodes -newkey ed25519 -subj /CN=ed.example -days 100 -keyout ed.key -out ed.pem
    subject expired.example -days 100 -keyout expired.key -out fresh.pem -addext subjectAltName=DNS:expired.example
    openssl x509 -in fresh.pem -signkey expired.key -days -1 -out expired.pem
    openssl pkcs12 -export -inkey sec8.key -in leaf.pem -certfile ca.pem -name Web -out store.p12 -passout pass:canary-passphrase
    if command -v keytool; then
      keytool -importkeystore -srckeystore store.p12 -srcstoretype PKCS12 -srcstorepass canary-passphrase \
        -destkeystore store.jks -deststoretype JKS -deststorepass canary-passphrase -noprompt
      keytool -importcert -noprompt -alias ca -file ca.pem -keystore trust.jks -storetype JKS -storepass canary-passphrase
    fi
  } >"$home/openssl.log" 2>&1 || { cat "$home/openssl.log"; return 1; }
  printf 'canary-passphrase\n' >pw
  start_daemon
}
setup() { cd "$home" || return 1; }
teardown_file() { remove_home; }
teardown() { show_log; }

result_of() { jq -r .data.result; }

@test "every form of a PEM key is taken: PKCS#8, SEC1, PKCS#1, Ed25519 [network 5.3]" {
  jlctl cert add pkcs8 --key-file sec8.key --cert-file chain.pem
  jlctl cert add sec1 --key-file sec1.key --cert-file chain.pem
  jlctl cert add pkcs1 --key-file pkcs1.key --cert-file rsa.pem
  jlctl cert add ed25519 --key-file ed.key --cert-file ed.pem
  [[ $(jlctl cert show sec1 -o value=status.keyType) == "EC P-256" ]]
  [[ $(jlctl cert show pkcs1 -o value=status.keyType) == "RSA 2048" ]]
  [[ $(jlctl cert show ed25519 -o value=status.keyType) == Ed25519 ]]
  cat sec8.key chain.pem | jlctl cert add one-file --key-file -
  [[ $(jlctl cert show one-file -o value=status.subject) == CN=gw.example ]]
}

@test "show says who, by whom, for which names, how long, with which key, and its fingerprint is openssl's" {
  jlctl cert add shown --name Shown --key-file sec8.key --cert-file chain.pem --trust-file ca.pem
  jlctl cert show shown -o json >shown.json
  jq -e '.data.status | .subject == "CN=gw.example" and .issuer == "CN=ca" and .sans == ["gw.example", "127.0.0.1"]
    and .validity == "ok" and .daysLeft >= 198 and .trust == 1 and .usedBy == [] and (.chain | length) == 2' shown.json
  [[ $(jq -r .data.status.fingerprint shown.json) == "$(openssl x509 -in leaf.pem -noout -fingerprint -sha256 | cut -d = -f 2)" ]]
  jlctl cert show shown | grep -q "CN=gw.example"
  [[ $(jlctl cert list --fields id,status.validity --no-header | grep shown) == $'shown\tok' ]]
  jlctl cert list -o wide | grep -q "CN=gw.example"
  jlctl cert list --format pem -o json | jq -e '.data.items | map(.id) | index("shown") != null'
}

@test "an encrypted key needs its passphrase, from a file, standard input, a descriptor or a credential" {
  run --separate-stderr jlctl cert add sealed --key-file encrypted.key --cert-file chain.pem
  assert_error 5 invalid
  printf 'wrong\n' >wrong-pw
  run --separate-stderr jlctl cert add sealed --key-file encrypted.key --cert-file chain.pem --key-pwd-file wrong-pw
  assert_error 5 invalid
  jlctl cert add pw-file --key-file encrypted.key --cert-file chain.pem --key-pwd-file pw
  jlctl cert add pw-stdin --key-file encrypted.key --cert-file chain.pem --key-pwd-stdin <pw
  jlctl cert add pw-fd --key-file encrypted.key --cert-file chain.pem --key-pwd-fd 7 7<pw
  CREDENTIALS_DIRECTORY=$home jlctl cert add pw-cred --key-file encrypted.key --cert-file chain.pem --key-pwd-credential pw
  [[ $(jlctl cert show pw-fd -o value=status.validity) == ok ]]
}

@test "PKCS#12 is seen by its content and its entry by its name [network 5.4]" {
  jlctl cert add p12 --keystore-file store.p12 --keystore-pwd-file pw
  [[ $(jlctl cert show p12 -o value=spec.format) == PFX ]]
  jlctl cert show p12 -o json | jq -e '.data.status.entries[0] | .key and (.alias | ascii_downcase) == "web"'
  port=$(free_port)
  run --separate-stderr jlctl network add alias --type mqtt-server --host 127.0.0.1 --port "$port" --disabled --secure \
    --cert p12 --private-key-alias other
  assert_error 5 invalid
  [[ $stderr == *privateKeyAlias* && ${stderr,,} == *web* ]]
  jlctl network add alias --type mqtt-server --host 127.0.0.1 --port "$port" --disabled --secure --cert p12 \
    --private-key-alias WEB
  jlctl network delete alias --yes
  printf 'wrong\n' >wrong-pw
  run --separate-stderr jlctl cert add p12-wrong --keystore-file store.p12 --keystore-pwd-file wrong-pw
  assert_error 5 invalid
}

@test "JKS, key store and trust store [network 5.3]" {
  [[ -f store.jks ]] || skip "keytool is not here"
  jlctl cert add jks --keystore-file store.jks --keystore-pwd-file pw --trust-keystore-file trust.jks \
    --trust-keystore-pwd-file pw --authentication mutual
  jlctl cert show jks -o json | jq -e '.data | .spec.format == "JKS" and .spec.authenticationMethod == "binomial"
    and .status.subject == "CN=gw.example" and .status.trust == 1'
}

@test "material that cannot work is refused with its field: wrong key, wrong order, weak, no key, no PEM" {
  run --separate-stderr jlctl cert add bad --key-file ed.key --cert-file chain.pem
  assert_error 5 invalid
  [[ $stderr == *spec.configs.* ]]
  run --separate-stderr jlctl cert add bad --key-file sec8.key --cert-file wrong-order.pem
  assert_error 5 invalid
  run --separate-stderr jlctl cert add bad --key-file weak.key --cert-file weak.pem
  assert_error 5 invalid
  [[ $stderr == *1024* ]]
  run --separate-stderr jlctl cert add bad --cert-file chain.pem
  assert_error 5 invalid
  run --separate-stderr jlctl cert add bad --key-file pw --cert-file chain.pem
  assert_error 5 invalid
  [[ $stderr == *spec.configs.key* ]]
  run jlctl cert exists bad
  [[ $status -eq 3 ]]
  # On edit as well, and what was there stays.
  jlctl cert add kept --key-file sec8.key --cert-file chain.pem
  run --separate-stderr jlctl cert edit kept --key-file ed.key
  assert_error 5 invalid
  [[ $(jlctl cert show kept -o value=revision) == $(jlctl cert list -o json | jq '.data.items[] | select(.id == "kept").revision') ]]
}

@test "what has ended or ends soon is taken with a warning and shown in list, status and the system log" {
  run --separate-stderr jlctl cert add old --key-file expired.key --cert-file expired.pem
  [[ $status -eq 0 && $stderr == *warning* ]]
  run --separate-stderr jlctl cert add soon --key-file sec8.key --cert-file soon.pem
  [[ $status -eq 0 && $stderr == *warning* ]]
  [[ $(jlctl cert list --name old -o json | jq -r '.data.items[0].status.validity') == expired ]]
  [[ $(jlctl cert list --name soon -o json | jq -r '.data.items[0].status.validity') == expiring ]]
  jlctl status -o json | jq -e '.data.certs | (.expired | index("old") != null) and (.expiring | index("soon") != null)'
  # At boot the daemon says so.
  stop_daemon
  start_daemon
  jlctl log system --level WARN --grep cert=old -o json | jq -e '.data.items | length == 1'
  jlctl log system --level WARN --grep cert=soon -o json | jq -e '.data.items | length == 1'
  jlctl cert delete old soon --yes
}

@test "a cert that a component names is not deleted, in the configuration or in a cluster entry" {
  jlctl cert add used --key-file sec8.key --cert-file chain.pem
  jlctl network add tls --type mqtt-server --host 127.0.0.1 --port "$(free_port)" --disabled --secure --cert used
  run --separate-stderr jlctl cert delete used --yes
  assert_error 4 in_use
  [[ $stderr == *network/tls* ]]
  [[ $(jlctl cert show used -o json | jq -c .data.status.usedBy) == '["network/tls"]' ]]
  jlctl cert impact used -o json | jq -e '.data.usedBy == ["network/tls"]'
  run --separate-stderr jlctl cert edit used --mode client
  assert_error 5 invalid
  [[ $stderr == *network/tls* ]]
  jlctl network delete tls --yes
  printf 'kind: network\nid: spread\nenabled: false\nspec: {type: MQTT_SERVER, shareCluster: false, cluster: [{serverId: elsewhere, configuration: {port: 8883, secure: true, certId: used}}]}\n' |
    jlctl apply -f -
  run --separate-stderr jlctl cert delete used --yes
  assert_error 4 in_use
  [[ $stderr == *network/spread* ]]
  jlctl network delete spread --yes
  [[ $(jlctl cert delete used --yes -o json | result_of) == deleted ]]
}

@test "a component with TLS needs a cert that exists and is for servers" {
  port=$(free_port)
  run --separate-stderr jlctl network add tls --type mqtt-server --port "$port" --secure
  assert_error 5 invalid
  [[ $stderr == *certId* ]]
  run --separate-stderr jlctl network add tls --type mqtt-server --port "$port" --secure --cert nosuch
  assert_error 5 invalid
  jlctl cert add trust-only --mode client --trust-file ca.pem
  run --separate-stderr jlctl network add tls --type mqtt-server --port "$port" --secure --cert trust-only
  assert_error 5 invalid
  [[ $stderr == *server* ]]
}

@test "a cert is not enabled or disabled" {
  for verb in enable disable; do
    run --separate-stderr jlctl cert "$verb" x
    [[ $status -eq 2 && -z $output ]]
  done
  jlctl cert show trust-only -o json | jq -e '.data | has("enabled") | not'
  run --separate-stderr jlctl cert list --enabled true
  [[ $status -eq 2 ]]
}

@test "renew replaces the material and keeps the rest; other formats take the old one's place" {
  jlctl cert add renewed --name Kept --key-file sec8.key --cert-file chain.pem
  before=$(jlctl cert show renewed -o value=status.fingerprint)
  [[ $(jlctl cert renew renewed --key-file rsa.key --cert-file rsa.pem -o json | result_of) == updated ]]
  [[ $(jlctl cert show renewed -o value=status.fingerprint) != "$before" ]]
  [[ $(jlctl cert show renewed -o value=name) == Kept ]]
  [[ $(jlctl cert renew renewed --key-file rsa.key --cert-file rsa.pem -o json | result_of) == unchanged ]]
  run --separate-stderr jlctl cert renew renewed --cert-file chain.pem
  assert_error 5 invalid
  jlctl cert renew renewed --keystore-file store.p12 --keystore-pwd-file pw
  jlctl cert show renewed -o json | jq -e '.data.spec | .format == "PFX" and (.configs | has("cert") or has("key") | not)'
  jlctl cert renew renewed --key-file ed.key --cert-file ed.pem
  jlctl cert show renewed -o json | jq -e '.data.spec | .format == "PEM" and (.configs | has("keystoreBase64") | not)'
}

@test "generate: an authority, what it signs, and openssl agrees" {
  jlctl cert generate lab-ca --cn "Lab CA" --ca --days 3650
  jlctl cert generate lab --san gw.example,127.0.0.1 --days 90 --issuer lab-ca
  jlctl cert show lab -o json | jq -e '.data | .spec.configs.trust != null and .status.issuer == "CN=Lab CA"
    and .status.sans == ["gw.example", "127.0.0.1"] and (.status.daysLeft | . >= 88 and . <= 90)'
  jlctl cert show lab-ca -o value=spec.configs.cert >lab-ca.pem
  jlctl cert show lab -o value=spec.configs.cert >lab.pem
  openssl verify -CAfile lab-ca.pem lab.pem
  for type in ec-p384 rsa-2048 ed25519; do jlctl cert generate "lab-$type" --key-type "$type" --san a.example; done
  run --separate-stderr jlctl cert generate lab --san a.example
  assert_error 4 already_exists
  run --separate-stderr jlctl cert generate more --issuer lab
  assert_error 5 invalid
  run --separate-stderr jlctl cert generate more --issuer nosuch
  assert_error 5 invalid
  run --separate-stderr jlctl cert generate more --days 0
  assert_error 5 invalid
}

@test "check reads every format without a daemon" {
  export JLCTL_SOCKET=$home/nosuch
  jlctl cert check chain.pem --key-file sec8.key
  jlctl cert check store.p12 --password-file pw -o json | jq -e '.data.items[0].subject == "CN=gw.example"'
  openssl x509 -in leaf.pem -outform DER -out leaf.der
  jlctl cert check leaf.der leaf.pem ca.pem
  if [[ -f store.jks ]]; then jlctl cert check store.jks --password-file pw; fi
  for file in expired.pem weak.pem pw store.p12; do
    run jlctl cert check "$file"
    [[ $status -eq 5 ]]
  done
  run jlctl cert check chain.pem --key-file ed.key
  [[ $status -eq 5 ]]
}

@test "test-connect: verified by the right authority, not by another, not by another name" {
  port=$(free_port)
  openssl s_server -accept "127.0.0.1:$port" -cert leaf.pem -key sec8.key -cert_chain ca.pem -quiet >s_server.log 2>&1 3>&- &
  server=$!
  until_true 10 nc -z 127.0.0.1 "$port"
  run jlctl cert test-connect "127.0.0.1:$port" --ca-file ca.pem -o json
  [[ $status -eq 0 ]]
  jq -e '.data | .verified and .protocol == "TLSv1.3" and .subject == "CN=gw.example" and .daysLeft > 190' <<<"$output"
  jlctl cert test-connect "127.0.0.1:$port" --ca-file ca.pem --servername gw.example
  run jlctl cert test-connect "127.0.0.1:$port" --ca-file ca.pem --servername other.example -o json
  [[ $status -eq 10 ]]
  jq -e '.data | (.verified | not) and (.reason | test("hostname"))' <<<"$output"
  run jlctl cert test-connect "127.0.0.1:$port"
  [[ $status -eq 10 ]]
  jlctl cert add connect --mode client --trust-file ca.pem
  jlctl cert test-connect "127.0.0.1:$port" --cert connect
  kill "$server"
  wait "$server" || true
  run --separate-stderr jlctl cert test-connect "127.0.0.1:$port"
  assert_error 10 job_failed
  run --separate-stderr jlctl cert test-connect nowhere
  assert_error 5 invalid
}

@test "export and apply keep a cert as it is; what is exported has no key" {
  jlctl cert add moved --key-file sec8.key --cert-file chain.pem
  jlctl export cert >certs.yaml
  run grep -c "PRIVATE KEY" certs.yaml
  [[ $output == 0 ]]
  [[ $(jlctl apply -f certs.yaml -o json | result_of) == unchanged ]]
  jlctl export cert --with-secrets -f secrets.yaml
  jlctl cert delete moved --yes
  jlctl apply -f secrets.yaml
  [[ $(jlctl cert show moved -o value=status.validity) == ok ]]
  rm secrets.yaml
}

@test "--show-private is for admins, and leaves a record" {
  jlctl cert add private --key-file sec8.key --cert-file chain.pem
  jlctl cert show private --show-private | openssl pkey -noout
  jlctl log access --action "cert show" -o json |
    jq -e '.data.items | map(select(.object == "cert/private" and .parameters.query.showPrivate == "true")) | length == 1'
}

@test "canary: private keys and passphrases are in no output, no log, no stored file and on no command line" {
  {
    jlctl cert add canary --key-file encrypted.key --cert-file chain.pem --key-pwd-file pw --debug
    jlctl cert add canary-p12 --keystore-file store.p12 --keystore-pwd-file pw --debug
    jlctl cert renew canary --key-file sec8.key --cert-file chain.pem --debug
    jlctl cert check store.p12 --password-file pw
  } >out 2>err
  for format in table wide json yaml; do
    jlctl cert show canary -o "$format"
    jlctl cert list -o "$format"
    jlctl log access --limit 1000 -o "$format"
    jlctl log system --limit 1000 -o "$format"
    jlctl export cert
    jlctl status -o "$format"
  done >>out 2>>err
  stop_daemon
  key=$(grep -v -- ----- sec8.key | head -n 1)
  sealed=$(grep -v -- ----- encrypted.key | head -n 1)
  store=$(base64 -w 0 store.p12 | cut -c 1-60)
  for secret in canary-passphrase "$key" "$sealed" "$store" "PRIVATE KEY"; do
    run grep -rlaF -e "$secret" out err "$daemon_log" state
    [[ $status -eq 1 ]] || { echo "\"${secret:0:12}...\" is in $output"; return 1; }
  done
  start_daemon
  [[ $(jlctl cert show canary -o value=status.validity) == ok ]]
}
