#!/usr/bin/env bats
# TLS of an MQTT server as openssl's client sees it: versions, suites, client certificates, renegotiation, resumption,
# names, time limits, and certificates that are renewed while clients come and go.
load helpers.bash
load mqtt.bash

setup_file() {
  make_home
  start_daemon
  provision
  make_authority lab
  make_authority other
  make_certificate server lab serverAuth
  make_certificate client lab clientAuth
  make_certificate stranger other clientAuth
  make_certificate usage lab serverAuth
  make_certificate expired lab clientAuth
  openssl x509 -req -in "$home/expired.csr" -CA "$home/lab.crt" -CAkey "$home/lab.key" -days -1 \
    -extfile "$home/expired.ext" -out "$home/expired.crt" 2>"$home/openssl.log"
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=rsa -keyout "$home/rsa.key" -out "$home/rsa.crt" \
    2>"$home/openssl.log"
  jlctl cert add ec --key-file "$home/server.key" --cert-file "$home/server.crt"
  jlctl cert add rsa --key-file "$home/rsa.key" --cert-file "$home/rsa.crt"
  jlctl cert add mutual --key-file "$home/server.key" --cert-file "$home/server.crt" --trust-file "$home/lab.crt" \
    --authentication binomial
  ec_port=$(free_port)
  add_tls_network mqtt-ec "$ec_port" ec
  rsa_port=$(free_port)
  add_tls_network mqtt-rsa "$rsa_port" rsa
  mutual_port=$(free_port)
  add_tls_network mqtt-mutual "$mutual_port" mutual
  add_application mutual-app mqtt-mutual
  export ec_port rsa_port mutual_port
}
teardown_file() { remove_home; }
teardown() {
  show_log
  end_clients
}

# A CONNECT of MQTT 3.1.1 without credentials, which the server answers with a refusal and the end of the connection.
say_connect() { printf '\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x'; }

# One connection of openssl's client, kept in $BATS_TEST_TMPDIR/talk; true when the server answered a CONNECT through
# it: talk PORT [s_client arguments]
talk() {
  local port=$1
  shift
  say_connect | timeout 20 openssl s_client -connect "127.0.0.1:$port" -ign_eof "$@" \
    >"$BATS_TEST_TMPDIR/talk" 2>&1 || true
  grep -qaP '\x20\x02\x00[\x01-\x05]' "$BATS_TEST_TMPDIR/talk"
}

# The same, said when it is not as expected.
accepted() { talk "$@" || { echo "refused: $*"; tail -n 5 "$BATS_TEST_TMPDIR/talk"; return 1; }; }
refused() { ! talk "$@" || { echo "accepted: $*"; return 1; }; }
agreed() { grep -qa "$1" "$BATS_TEST_TMPDIR/talk"; }

counter() { jlctl network show "$1" -o value="status.counters.$2"; }
serial_of() { openssl x509 -in "$1" -noout -serial; }
served_serial() { openssl s_client -connect "127.0.0.1:$1" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
serves() { [[ $(served_serial "$1") == "$(serial_of "$2")" ]]; }

# A connection that says nothing ends within that many seconds: ends_within SECONDS PORT [first bytes]
ends_within() {
  exec 9<>"/dev/tcp/127.0.0.1/$2"
  printf '%b' "${3:-}" >&9
  local code=0
  timeout "$1" cat <&9 >/dev/null || code=$?
  exec 9>&-
  [[ $code -ne 124 ]]
}

@test "TLS 1.2 and 1.3 are spoken, 1.0 and 1.1 are not" {
  for port in "$ec_port" "$rsa_port"; do
    accepted "$port" -tls1_2
    agreed 'TLSv1.2, Cipher is ECDHE'
    accepted "$port" -tls1_3
    agreed 'TLSv1.3, Cipher is TLS_'
    accepted "$port"
    agreed 'TLSv1.3, Cipher is TLS_'
    for version in -tls1 -tls1_1; do
      refused "$port" "$version" -cipher DEFAULT@SECLEVEL=0
      agreed 'alert protocol version'
    done
  done
}

@test "suites with forward secrecy and authenticated encryption are taken" {
  for suite in ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305; do
    accepted "$ec_port" -tls1_2 -cipher "$suite"
    agreed "Cipher is $suite"
  done
  for suite in ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-CHACHA20-POLY1305; do
    accepted "$rsa_port" -tls1_2 -cipher "$suite"
    agreed "Cipher is $suite"
  done
  for suite in TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256; do
    accepted "$ec_port" -tls1_3 -ciphersuites "$suite"
    agreed "Cipher is $suite"
  done
}

@test "suites with CBC, without forward secrecy, without encryption or without a certificate are refused" {
  for suite in ECDHE-RSA-AES128-SHA ECDHE-RSA-AES256-SHA384 ECDHE-RSA-NULL-SHA AES128-SHA AES256-SHA AES128-GCM-SHA256 \
    AES256-GCM-SHA384 NULL-SHA256 CAMELLIA128-SHA DHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES128-SHA ADH-AES128-GCM-SHA256 \
    AECDH-AES128-SHA PSK-AES128-GCM-SHA256; do
    refused "$rsa_port" -tls1_2 -cipher "$suite@SECLEVEL=0" -psk 00112233
    agreed 'handshake failure'
  done
  refused "$ec_port" -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA@SECLEVEL=0
  refused "$ec_port" -tls1_2 -cipher ECDHE-ECDSA-AES128-CCM8@SECLEVEL=0
  # RC4 and 3DES are no longer in Debian's openssl; what the server offers is what matters.
  for pattern in RC4 3DES aNULL eNULL kRSA SHA1; do
    if openssl ciphers "$pattern@SECLEVEL=0" >/dev/null 2>&1; then
      refused "$rsa_port" -tls1_2 -cipher "$pattern@SECLEVEL=0"
    fi
  done
  refused "$ec_port" -tls1_3 -ciphersuites TLS_AES_128_CCM_8_SHA256
}

@test "weak groups and signatures are refused" {
  for version in -tls1_2 -tls1_3; do
    accepted "$rsa_port" "$version" -groups X25519
    accepted "$rsa_port" "$version" -groups P-256
    refused "$rsa_port" "$version" -groups P-521
  done
  refused "$rsa_port" -tls1_2 -sigalgs RSA+SHA1 -cipher DEFAULT@SECLEVEL=0
}

@test "a client certificate is asked for, and refused when it is another's, expired, for another use or absent" {
  own() { printf '%s ' -cert "$home/$1.crt" -key "$home/$1.key"; }
  local who version before
  before=$(counter mqtt-mutual tlsFailures)
  for version in -tls1_2 -tls1_3; do
    # shellcheck disable=SC2046  # words of a command
    accepted "$mutual_port" "$version" $(own client)
    agreed 'CN = lab'
    refused "$mutual_port" "$version"
    for who in stranger expired usage; do
      # shellcheck disable=SC2046  # words of a command
      refused "$mutual_port" "$version" $(own "$who")
      agreed alert
    done
    # Another key than the certificate's.
    refused "$mutual_port" "$version" -cert "$home/client.crt" -key "$home/stranger.key"
  done
  [[ $(counter mqtt-mutual tlsFailures) -ge $((before + 8)) ]]
  jlctl log system --grep mqtt-mutual -o json | jq -e '.data.items | length > 0'
}

@test "the subject of a client certificate is shown with the client" {
  stdbuf -oL mosquitto_sub -h localhost -p "$mutual_port" -u mutual-app -P secret-mutual-app --cafile "$home/lab.crt" \
    --cert "$home/client.crt" --key "$home/client.key" -i shown -t tls/subject -W 60 -d \
    >"$BATS_TEST_TMPDIR/shown" 2>&1 3>&- &
  clients+=($!)
  until_true 10 grep -q SUBACK "$BATS_TEST_TMPDIR/shown"
  jlctl network clients mqtt-mutual shown -o json |
    jq -e '.data.items[0] | .tlsSubject == "CN=client" and (.user | length > 0)'
}

@test "renegotiation is refused" {
  mkfifo "$BATS_TEST_TMPDIR/keys"
  exec 8<>"$BATS_TEST_TMPDIR/keys"
  printf 'R\n' >&8
  run timeout 15 openssl s_client -connect "127.0.0.1:$ec_port" -tls1_2 <"$BATS_TEST_TMPDIR/keys"
  exec 8>&-
  [[ $status -ne 0 && $status -ne 124 && $output == *RENEGOTIATING* && $output == *"no renegotiation"* ]]
}

@test "a session is resumed, until the certificate changes" {
  for version in 1_2 1_3; do
    session=$BATS_TEST_TMPDIR/session-$version
    accepted "$ec_port" "-tls$version" -sess_out "$session"
    agreed '^New, TLS'
    accepted "$ec_port" "-tls$version" -sess_in "$session"
    agreed '^Reused, TLS'
  done
  make_certificate next lab serverAuth
  jlctl cert renew ec --key-file "$home/next.key" --cert-file "$home/next.crt"
  until_true 10 serves "$ec_port" "$home/next.crt"
  for version in 1_2 1_3; do
    accepted "$ec_port" "-tls$version" -sess_in "$BATS_TEST_TMPDIR/session-$version"
    agreed '^New, TLS'
  done
}

@test "a session with a client certificate is resumed with it" {
  for version in 1_2 1_3; do
    session=$BATS_TEST_TMPDIR/session-$version
    accepted "$mutual_port" "-tls$version" -cert "$home/client.crt" -key "$home/client.key" -sess_out "$session"
    accepted "$mutual_port" "-tls$version" -cert "$home/client.crt" -key "$home/client.key" -sess_in "$session"
    agreed '^Reused, TLS'
  done
}

@test "the name that a client asks for chooses among the entries of a key store" {
  local name
  cd "$home"
  for name in one two; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=entry-$name" \
      -addext "subjectAltName=DNS:$name.example,DNS:*.$name.example" \
      -keyout "sni-$name.key" -out "sni-$name.crt" 2>openssl.log
    openssl pkcs12 -export -inkey "sni-$name.key" -in "sni-$name.crt" -name "$name" -passout pass:secret \
      -out "sni-$name.p12"
  done
  keytool -importkeystore -srckeystore sni-two.p12 -srcstoretype PKCS12 -srcstorepass secret -noprompt \
    -destkeystore sni-one.p12 -deststoretype PKCS12 -deststorepass secret 2>keytool.log ||
    { cat keytool.log; return 1; }
  printf 'secret\n' >store-password
  jlctl cert add store --keystore-file sni-one.p12 --keystore-pwd-file store-password
  local port
  port=$(free_port)
  add_tls_network mqtt-store "$port" store
  subject() { openssl s_client -connect "127.0.0.1:$port" "$@" </dev/null 2>/dev/null | openssl x509 -noout -subject; }
  for name in one two; do
    [[ $(subject -servername "$name.example") == *"entry-$name" ]]
    [[ $(subject -servername "any.$name.example" -tls1_2) == *"entry-$name" ]]
    [[ $(subject -servername "ENTRY-$name") == *"entry-$name" ]]
  done
  # Who asks for nothing, or for what is not there, gets one of them.
  [[ $(subject -noservername) == *entry-* ]]
  [[ $(subject -servername nowhere.example) == "$(subject -noservername)" ]]
  jlctl network edit mqtt-store --private-key-alias two
  is_two() { [[ $(subject -servername one.example) == *entry-two ]]; }
  until_true 10 is_two
  run --separate-stderr jlctl network edit mqtt-store --private-key-alias nosuch
  [[ $status -eq 5 && $stderr == *nosuch* ]] || { echo "$status $stderr"; return 1; }
  is_two
}

@test "a plain client on the TLS port and a TLS client on the plain port end at once" {
  before=$(counter mqtt-ec tlsFailures)
  ends_within 5 "$ec_port" '\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x'
  ends_within 5 "$ec_port" 'GET / HTTP/1.1\r\n\r\n'
  until_true 10 counted_since mqtt-ec tlsFailures $((before + 2))
  run timeout 5 openssl s_client -connect "127.0.0.1:$mqtt_port" </dev/null
  [[ $status -ne 0 && $status -ne 124 ]]
  accepted "$ec_port"
}

counted_since() { [[ $(counter "$1" "$2") -ge $3 ]]; }

@test "the time limit ends connections without a handshake, with half of one, and without a CONNECT" {
  local port
  port=$(free_port)
  add_tls_network mqtt-quick "$port" ec
  jlctl network edit mqtt-quick --connect-timeout 1
  ends_within 8 "$port" ''
  # The beginning of a ClientHello.
  ends_within 8 "$port" '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'
  mkfifo "$BATS_TEST_TMPDIR/silence"
  exec 8<>"$BATS_TEST_TMPDIR/silence"
  run timeout 8 openssl s_client -connect "127.0.0.1:$port" -quiet <"$BATS_TEST_TMPDIR/silence"
  exec 8>&-
  [[ $status -ne 124 ]]
  accepted "$port"
}

@test "certificates are renewed under load: no handshake fails, no connection ends, new clients see the new one" {
  local port name
  port=$(free_port)
  jlctl cert add busy --key-file "$home/server.key" --cert-file "$home/server.crt"
  add_tls_network mqtt-busy "$port" busy
  add_application busy-app mqtt-busy
  mkfifo "$BATS_TEST_TMPDIR/end"
  exec 8<>"$BATS_TEST_TMPDIR/end"
  "$JL_SOURCE/tests/system/tls_load.py" "$port" "$home/lab.crt" busy-app secret-busy-app \
    <"$BATS_TEST_TMPDIR/end" >"$BATS_TEST_TMPDIR/load" 2>&1 3>&- 8>&- &
  local load=$!
  clients+=("$load")
  until_true 20 grep -q ready "$BATS_TEST_TMPDIR/load"
  printf '%s\n' "$(serial_of "$home/server.crt")" >"$BATS_TEST_TMPDIR/serials"
  for name in busy-1 busy-2 busy-3 busy-4 busy-5; do
    make_certificate "$name" lab serverAuth
    jlctl cert renew busy --key-file "$home/$name.key" --cert-file "$home/$name.crt"
    until_true 10 serves "$port" "$home/$name.crt"
    serial_of "$home/$name.crt" >>"$BATS_TEST_TMPDIR/serials"
    # What does not fit together changes nothing.
    run --separate-stderr jlctl cert renew busy --key-file "$home/server.key" --cert-file "$home/$name.crt"
    assert_error 5 invalid
    serves "$port" "$home/$name.crt"
  done
  exec 8>&-
  until_true 20 grep -q handshakes "$BATS_TEST_TMPDIR/load"
  tail -n 1 "$BATS_TEST_TMPDIR/load" >"$BATS_TEST_TMPDIR/result"
  jq -c '{handshakes, pings, failures: .failures[:3], dropped: .dropped[:3]}' "$BATS_TEST_TMPDIR/result"
  jq -e '.failures == [] and .dropped == [] and .handshakes > 20 and .pings > 20' "$BATS_TEST_TMPDIR/result"
  # In order, and none of them twice.
  [[ $(jq -r '.serials[]' "$BATS_TEST_TMPDIR/result") == "$(sed 's/serial=//' "$BATS_TEST_TMPDIR/serials")" ]]
}

@test "a cert of one node's own configuration is in use, is not deleted, and is renewed there too" {
  local port
  port=$(free_port)
  jlctl cert add away --key-file "$home/server.key" --cert-file "$home/server.crt"
  jlctl cert add own --key-file "$home/server.key" --cert-file "$home/server.crt"
  jlctl apply -f - <<EOF
kind: network
id: mqtt-own
spec:
  type: MQTT_SERVER
  shareCluster: false
  cluster:
    - {serverId: elsewhere, configuration: {port: 8883, secure: true, certId: away}}
    - {serverId: test-node, configuration: {host: 127.0.0.1, port: $port, secure: true, certId: own}}
EOF
  serves "$port" "$home/server.crt"
  run --separate-stderr jlctl cert delete own --yes
  assert_error 4 in_use
  [[ $stderr == *network/mqtt-own* ]]
  run --separate-stderr jlctl cert delete away --yes
  assert_error 4 in_use
  [[ $(jlctl cert show own -o json | jq -c .data.status.usedBy) == '["network/mqtt-own"]' ]]
  make_certificate own-next lab serverAuth
  jlctl cert renew own --key-file "$home/own-next.key" --cert-file "$home/own-next.crt"
  until_true 10 serves "$port" "$home/own-next.crt"
  jlctl network disable mqtt-own --yes
  jlctl network delete mqtt-own --yes
  jlctl cert delete own away --yes
}
