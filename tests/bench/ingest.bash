# Loaded by tests/bench/run: property reports over HTTP, CoAP, TCP and UDP, each beside the least that a known server
# does with the same bytes: nginx answers 204, libcoap's server keeps the value, Asio sends back what it receives.
# Only jlinkd authenticates, decodes and stores.
# shellcheck disable=SC2154  # $home, $bin and the like are run's

ingest_key=0123456789abcdef # AES-128
ingest_devices=16
ingest_idle=$((quick ? 500 : 2000))
http_port=$(free_port) coap_port=$(free_port) tcp_port=$(free_port) udp_port=$(free_port)
nginx_port=$(free_port) libcoap_port=$(free_port) echo_port=$(free_port)

# A component, a gateway and a product with its devices: ingest_door NAME TYPE PROVIDER "port: N, ..."
ingest_door() {
  cat <<EOF
---
kind: network
id: ingest-$1
spec: {type: $2, configuration: {host: 127.0.0.1, $4}}
---
kind: gateway
id: ingest-$1
spec: {provider: $3, channelId: ingest-$1, protocol: official}
---
kind: product
id: ingest-$1
enabled: true
spec:
  accessId: ingest-$1
  configuration: {secureKey: $ingest_key, bearer_token: $ingest_key}
  metadata:
    properties:
      - {id: temp, name: temp, valueType: {type: double}}
      - {id: hum, name: hum, valueType: {type: double}}
      - {id: volt, name: volt, valueType: {type: double}}
      - {id: rssi, name: rssi, valueType: {type: int}}
      - {id: state, name: state, valueType: {type: string}}
EOF
}
# ingest_fleet PRODUCT PREFIX COUNT
ingest_fleet() {
  local i
  for ((i = 0; i < $3; i++)); do
    printf -- '---\n{kind: device, id: %s%d, enabled: true, spec: {productId: ingest-%s}}\n' "$2" "$i" "$1"
  done
}

# Debian's nginx as one plain process, with its answer in its configuration.
start_nginx() {
  cat >"$home/nginx.conf" <<EOF
daemon off;
master_process off;
pid $home/nginx.pid;
error_log $home/nginx.log error;
events { worker_connections 10000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path $home/nginx-body;
  proxy_temp_path $home/nginx-proxy;
  fastcgi_temp_path $home/nginx-fastcgi;
  uwsgi_temp_path $home/nginx-uwsgi;
  scgi_temp_path $home/nginx-scgi;
  server { listen 127.0.0.1:$nginx_port; location / { return 204; } }
}
EOF
  /usr/sbin/nginx -p "$home" -e "$home/nginx.log" -c "$home/nginx.conf" 2>"$home/nginx-start.log" &
  ingest_pids[nginx]=$!
  until_true open_port "$nginx_port"
}
start_libcoap() {
  coap-server-openssl -A 127.0.0.1 -p "$libcoap_port" -d 1000 -v 0 >"$home/libcoap.log" 2>&1 &
  ingest_pids[libcoap]=$!
  until_true open_port "$libcoap_port" # it listens on TCP, too
}
start_echo() {
  "$bin/jl_bench_echo" "$echo_port" 2>"$home/echo.log" &
  ingest_pids[asio]=$!
  until_true open_port "$echo_port"
}

# Prints one server's line: ingest_row NAME SERVER PORT MODE PRODUCT [flags]
ingest_row() {
  local name=$1 server=$2 port=$3 mode=$4 product=$5 pid figures
  shift 5
  pid=${ingest_pids[$server]:-$jlinkd_pid}
  figures=$("$bin/jl_bench_ingest" "$mode" --pid "$pid" --port "$port" --product "ingest-$product" --key "$ingest_key" "$@") || exit 1
  # shellcheck disable=SC2086  # three words
  printf '  %-32s %-10s %12s %16s %16s\n' "$name" "$server" $figures
}
received() { "$bin/jlctl" gateway show "ingest-$1" -o value=status.counters.receivedMessages; }
has_received() { (($(received "$1") >= $2)); }
# A figure of reports that did not arrive is none: ingest_jlinkd NAME PORT MODE PRODUCT COUNT [flags]
ingest_jlinkd() {
  local before
  before=$(received "$4")
  ingest_row "$1" jlinkd "$2" "$3" "$4" --prefix "$4-" "${@:6}"
  until_true has_received "$4" $((before + $5))
}
wrk_command() { # wrk_command PORT SECONDS
  echo "exec wrk -t 1 -c 32 -d $2s -s tests/bench/ingest.lua http://127.0.0.1:$1 -- ingest-http $ingest_key $ingest_devices"
}

ingest() {
  local seconds=$((quick ? 3 : 10)) name
  local count=("--messages" "$messages" "--connections" "$ingest_devices")
  {
    ingest_door http HTTP_SERVER http-server-gateway "port: $http_port"
    ingest_door coap COAP_SERVER coap-server-gateway "port: $coap_port"
    ingest_door tcp TCP_SERVER tcp-server-gateway "port: $tcp_port, parserType: LENGTH_FIELD, parserConfiguration: {offset: 0, length: 4}"
    ingest_door udp UDP udp-device-gateway "port: $udp_port"
    for name in coap udp; do ingest_fleet "$name" "$name-" "$ingest_devices"; done
    for name in http tcp; do
      ingest_fleet "$name" "$name-" "$ingest_idle"
      ingest_fleet "$name" "$name-warm-" 100
    done
    ingest_fleet http ingest- "$ingest_devices"
  } >"$home/ingest.yaml"
  "$bin/jlctl" apply -f "$home/ingest.yaml" --timeout 60s >/dev/null
  start_nginx
  start_libcoap
  start_echo

  heading "$ingest_devices devices report 5 properties, 32 on their way (TCP: $ingest_devices x 16)" messages/s "p99 us" "server us each"
  ingest_jlinkd "HTTP POST" "$http_port" command http 1 --command "$(wrk_command "$http_port" "$seconds")"
  ingest_row "HTTP POST" nginx "$nginx_port" command http --command "$(wrk_command "$nginx_port" "$seconds")"
  ingest_jlinkd "CoAP CON, AES-128" "$coap_port" coap coap "$messages" "${count[@]}"
  ingest_row "CoAP CON" libcoap "$libcoap_port" coap coap --prefix coap- --put 1 "${count[@]}"
  ingest_jlinkd "TCP frames" "$tcp_port" tcp tcp "$messages" --window 16 "${count[@]}"
  ingest_row "TCP frames" asio "$echo_port" tcp tcp --prefix tcp- --window 16 "${count[@]}"
  ingest_jlinkd "UDP datagrams" "$udp_port" udp udp "$messages" "${count[@]}"
  ingest_row "UDP datagrams" asio "$echo_port" udp udp --prefix udp- "${count[@]}"

  heading "$ingest_idle idle connections" "bytes each" "" ""
  restart jlinkd
  end "${ingest_pids[nginx]}" "${ingest_pids[asio]}"
  start_nginx
  start_echo
  ingest_row "HTTP keep-alive" jlinkd "$http_port" idle-http http --prefix http- --connections "$ingest_idle"
  ingest_row "HTTP keep-alive" nginx "$nginx_port" idle-http http --prefix http- --connections "$ingest_idle"
  restart jlinkd
  ingest_row "TCP, logged in" jlinkd "$tcp_port" idle-tcp tcp --prefix tcp- --connections "$ingest_idle"
  ingest_row "TCP" asio "$echo_port" idle-tcp tcp --prefix tcp- --connections "$ingest_idle"
}
