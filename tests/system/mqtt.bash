# Loaded after helpers.bash by the tests of MQTT clients that are applications, not devices.
# shellcheck disable=SC2154  # $home and $mqtt_port are set by helpers.bash

# A user of an MQTT network who may do everything; the password is "secret-NAME": add_application NAME NETWORK
add_application() {
  printf 'secret-%s\n' "$1" >"$home/password-$1"
  jlctl user add "$1" --network "$2" --password-file "$home/password-$1" --publish '#' --subscribe '#'
}

# Makes another MQTT listener with TLS: add_tls_network ID PORT CERT
add_tls_network() {
  cat >"$home/$1.yaml" <<EOF
kind: network
id: $1
spec: {type: MQTT_SERVER, configuration: {host: 127.0.0.1, port: $2, secure: true, certId: $3}}
---
kind: gateway
id: gw-$1
spec: {provider: mqtt-server-gateway, channelId: $1, protocol: official}
EOF
  jlctl apply -f "$home/$1.yaml"
}

# Makes an authority in $home/NAME.crt and NAME.key: make_authority NAME
make_authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$1" \
    -addext keyUsage=critical,keyCertSign,cRLSign -keyout "$home/$1.key" -out "$home/$1.crt" 2>"$home/openssl.log"
}

# Makes $home/NAME.key and NAME.crt, signed by an authority: make_certificate NAME AUTHORITY USAGE
make_certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
    -keyout "$home/$1.key" -out "$home/$1.csr" 2>"$home/openssl.log"
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=%s\n' "$3" >"$home/$1.ext"
  openssl x509 -req -in "$home/$1.csr" -CA "$home/$2.crt" -CAkey "$home/$2.key" -CAcreateserial -days 30 \
    -extfile "$home/$1.ext" -out "$home/$1.crt" 2>"$home/openssl.log"
}

# mosquitto's clients as the application: pub [arguments], sub [arguments]; a sub gives up after 20 s.
pub() { mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -u app -P secret-app "$@"; }
sub() { mosquitto_sub -h 127.0.0.1 -p "$mqtt_port" -u app -P secret-app -W 20 "$@"; }

# Starts a sub in the background and waits until it has subscribed; its messages are lines "got ..." in
# $BATS_TEST_TMPDIR/NAME: follow NAME [arguments]
follow() {
  local out=$BATS_TEST_TMPDIR/$1
  shift
  stdbuf -oL mosquitto_sub -h 127.0.0.1 -p "$mqtt_port" -u app -P secret-app -W 60 -d -F 'got %t %q %r %p' "$@" \
    >"$out" 2>&1 3>&- &
  last_client=$!
  clients+=("$last_client")
  until_true 10 grep -q SUBACK "$out"
}

# What a follower has got so far.
messages_of() { grep '^got ' "$BATS_TEST_TMPDIR/$1" || true; }
has_messages() { [[ $(messages_of "$1" | wc -l) -ge $2 ]]; }

# For teardown: ends what follow has started.
end_clients() {
  local one
  for one in "${clients[@]}"; do kill -KILL "$one" 2>/dev/null || true; done
  clients=()
}
clients=()
last_client=
