#!/usr/bin/env bats
# HTTP server components with real clients: curl, nc, a WebSocket device on the same port.
load helpers.bash
load transports.bash

setup_file() {
  make_home
  start_daemon
  port=$(free_port)
  tls_port=$(free_port)
  export port tls_port
  open_door http-1 HTTP_SERVER http-server-gateway \
    "port: $port, httpHeaders: {X-Site: north}, maxBodySize: 4096, maxHeaderSize: 2048, requestTimeout: 1"
  jlctl cert generate web --san 127.0.0.1,gateway.test
  open_door https-1 HTTP_SERVER http-server-gateway "port: $tls_port, secure: true, certId: web"
  add_device dev-1 http-1 bearer_token=h-token
  add_device dev-2 https-1 bearer_token=h-token
  add_device dev-3 http-1 bearer_token=h-token
}
teardown_file() { remove_home; }
teardown() {
  show_log
  end_devices
}

# A POST as a device; prints "STATUS BODY": post SUFFIX BODY [curl arguments]
post() {
  local suffix=$1 body=$2
  shift 2
  curl -sS -m 20 -w '\n%{http_code}' -H "Authorization: Bearer h-token" --data-binary "$body" "$@" \
    "http://127.0.0.1:$port/sensor-http-1/dev-1/$suffix" | awk 'NR > 1 { print last } { last = $0 } END { print last }' | tac | paste -sd ' '
}

@test "a report, an event, online and offline arrive, and are answered as JetLinks does (wire.md 3.1)" {
  [[ $(post properties/report '{"properties":{"temp":21.5}}') == '200 {"success":true}' ]]
  reported dev-1 21.5
  [[ $(post event/overheat '{"data":{"level":2}}') == '200 {"success":true}' ]]
  [[ $(jlctl device show dev-1 -o value=status.state) == online ]]
  [[ $(post offline '{}') == '200 {"success":true}' ]]
  jlctl wait device/dev-1 --for status.state=offline --wait-timeout 10s
}

@test "every answer bears the component's fixed headers" {
  curl -sS -i "http://127.0.0.1:$port/nowhere" | grep -qi '^x-site: north'
}

@test "wrong tokens, unknown devices and paths: 401, 404, 405, 400" {
  local url=http://127.0.0.1:$port/sensor-http-1
  status() { curl -sS -m 20 -o "$home/body" -w '%{http_code}' "$@"; }
  [[ $(status -d '{}' "$url/dev-1/online") == 401 ]]
  grep -q "Authorization header is required" "$home/body"
  [[ $(status -H "Authorization: Bearer wrong" -d '{}' "$url/dev-1/online") == 401 ]]
  [[ $(status -H "Authorization: Bearer h-token" -d '{}' "$url/dev-9/online") == 401 ]]
  [[ $(status -H "Authorization: Basic h-token" -d '{}' "$url/dev-1/online") == 401 ]]
  [[ $(status -H "Authorization: Bearer h-token" -d '{}' "http://127.0.0.1:$port/x/y/z/w") == 404 ]]
  [[ $(status -H "Authorization: Bearer h-token" "$url/dev-1/online") == 405 ]]
  [[ $(status -H "Authorization: Bearer h-token" -d 'no json' "$url/dev-1/properties/report") == 400 ]]
  [[ $(status -H "Authorization: Bearer h-token" --data-binary $'{"properties":{"temp":"\xff"}}' "$url/dev-1/properties/report") == 400 ]]
}

@test "a command to a device that only sends requests fails at once with UNSUPPORTED_MESSAGE" {
  post properties/report '{"properties":{"temp":1}}'
  run --separate-stderr jlctl device read dev-1 temp
  [[ $status -ne 0 && -z $output && $stderr == *UNSUPPORTED_MESSAGE* ]]
}

@test "keep-alive, pipelining, chunked bodies, HTTP/1.0, HEAD and Expect: 100-continue" {
  local request="POST /sensor-http-1/dev-1/properties/report HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer h-token\r\n"
  run timeout 20 nc -N -w 10 127.0.0.1 "$port" < <(
    for i in 1 2 3; do printf "${request}Content-Length: 27\r\n\r\n{\"properties\":{\"temp\":%d.5}}" "$i"; done)
  [[ $(grep -c '{"success":true}' <<<"$output") -eq 3 ]]
  reported dev-1 3.5
  run timeout 20 nc -N -w 10 127.0.0.1 "$port" < <(
    printf '%b' "${request}Transfer-Encoding: chunked\r\n\r\n5\r\n{\"pro\r\n16\r\nperties\":{\"temp\":9.5}}\r\n0\r\n\r\n")
  [[ $output == *'{"success":true}'* ]]
  [[ $(post properties/report '{"properties":{"temp":4.5}}' --http1.0) == '200 {"success":true}' ]]
  [[ $(post properties/report '{"properties":{"temp":5.5}}' -H 'Expect: 100-continue') == '200 {"success":true}' ]]
  curl -sS -m 20 -I "http://127.0.0.1:$port/nowhere" | head -1 | grep -q 404
}

@test "bodies, headers and lines over their limits: 413, 431; half a request: 408; smuggling: 400" {
  head -c 5000 /dev/zero | tr '\0' x >"$home/big"
  [[ $(post properties/report "@$home/big") == 413* ]]
  [[ $(post properties/report '{}' -H "X-Long: $(head -c 3000 /dev/zero | tr '\0' x)") == 431* ]]
  run timeout 20 nc -w 10 127.0.0.1 "$port" < <(printf 'POST / HTTP/1.1\r\nHost: x\r\n')
  [[ $output == *" 408 "* ]]
  run timeout 20 nc -N -w 10 127.0.0.1 "$port" < <(printf 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')
  [[ $output == *" 400 "* ]]
  run timeout 20 nc -N -w 10 127.0.0.1 "$port" < <(head -c 3000 /dev/urandom)
  [[ $(post online '{}') == 200* ]]
}

@test "over TLS, and after the certificate was renewed" {
  [[ $(curl -sS -k -m 20 -H "Authorization: Bearer h-token" -d '{"properties":{"temp":8}}' "https://127.0.0.1:$tls_port/sensor-https-1/dev-2/properties/report") == '{"success":true}' ]]
  reported dev-2 8
}

@test "a WebSocket on the same port: commands go down, and a POST of the same device does not push it out" {
  run_device ws "$JL_SOURCE/tests/system/websocket_device.py" "ws://127.0.0.1:$port/sensor-http-1/dev-3/socket?token=h-token" 12.5
  hears ws connected
  reported dev-3 12.5
  curl -sS -m 20 -H "Authorization: Bearer h-token" -d '{"properties":{"temp":13.5}}' "http://127.0.0.1:$port/sensor-http-1/dev-3/properties/report"
  reported dev-3 13.5
  obeys dev-3
}

@test "without an enabled gateway everything is 404; several gateways may share the component" {
  jlctl gateway add second --provider http-server-gateway --network http-1 --protocol official
  jlctl gateway disable second --yes && jlctl gateway delete second --yes
  jlctl gateway disable gw-http-1 --yes
  [[ $(curl -sS -m 20 -o /dev/null -w '%{http_code}' -H "Authorization: Bearer h-token" -d '{}' "http://127.0.0.1:$port/sensor-http-1/dev-1/online") == 404 ]]
  jlctl gateway enable gw-http-1
  [[ $(post online '{}') == 200* ]]
}

@test "what was answered 200 survives kill -9" {
  [[ $(post properties/report '{"properties":{"temp":77.5}}') == 200* ]]
  stop_daemon KILL
  start_daemon
  has_temperature dev-1 77.5
}
