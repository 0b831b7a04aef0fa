#!/usr/bin/env bats
# Firmware over HTTP, HTTPS and CoAP with curl and libcoap's client, by addresses that devices were told (operations.md 1.1).
load helpers.bash
load transports.bash
load ota.bash

size=100000

setup_file() {
  make_home
  start_daemon
  open_ota
  add_devices sensor dev-1 dev-2 dev-3 dev-6
  add_firmware fw-1 1.0.0 1 $size
  add_firmware fw-2 2.0.0 2 30000
  file=$home/fw-1.bin
  sha=$(sha256_of "$file")
  start_devices sensor dev-1 dev-2 dev-6
  jlctl ota task add roll-1 --firmware fw-1 --device dev-1 --device dev-6 --upgrade-timeout 3600
  url=$(heard dev-1 firmware/upgrade | jq -r .url)
  export file sha url
}
teardown_file() {
  stop_devices
  remove_home
}
teardown() {
  [[ -z ${reader:-} ]] || kill -KILL "$reader" 2>/dev/null || true
  show_log
}

# curl as a device; the status is printed, head and body are in $home/head and $home/got: fetch [curl arguments] URL
fetch() { curl -sS -m 30 -D "$home/head" -o "$home/got" -w '%{http_code}' "$@"; }
# A field of the last head, as it was sent: field NAME
field() { tr -d '\r' <"$home/head" | sed -n "s/^$1: //Ip" | tail -n 1; }
# The last body is these bytes of the file: is_part OFFSET LENGTH
is_part() { cmp "$home/got" <(tail -c "+$(($1 + 1))" "$file" | head -c "$2"); }

@test "the device is told where, how large and what digest; the whole file has it" {
  heard dev-1 firmware/upgrade >"$home/told"
  jq -e --arg sha "$sha" --argjson size $size '.firmwareId == "fw-1" and .version == "1.0.0" and .size == $size
    and .sign == $sha and .signMethod == "sha256" and .parameters == {} and .deviceId == "dev-1"' "$home/told"
  [[ $url == "http://127.0.0.1:$http_port/ota/v1/fw-1/fw-1.bin?k="* ]]
  [[ $(fetch "$url") == 200 ]]
  [[ $(sha256_of "$home/got") == "$sha" ]]
  [[ $(field etag) == "\"$sha\"" && $(field accept-ranges) == bytes && $(field content-length) == "$size" ]]
  [[ $(field repr-digest) == "sha-256=:$(openssl dgst -sha256 -binary "$file" | base64 -w 0):" ]]
  [[ $(field content-type) == application/octet-stream && $(field cache-control) == *private* ]]
  [[ -n $(field last-modified) && $(field content-disposition) == *fw-1.bin* ]]
}

@test "one range is just those bytes, wherever they are; 416 beyond the end; several are the whole" {
  [[ $(fetch -r 0-0 "$url") == 206 && $(field content-length) == 1 && $(field content-range) == "bytes 0-0/$size" ]]
  is_part 0 1
  [[ $(fetch -r 1000- "$url") == 206 && $(field content-range) == "bytes 1000-$((size - 1))/$size" ]]
  is_part 1000 $((size - 1000))
  [[ $(fetch -r 1000-1999 "$url") == 206 && $(field content-length) == 1000 ]]
  is_part 1000 1000
  [[ $(fetch -r -7 "$url") == 206 && $(field content-range) == "bytes $((size - 7))-$((size - 1))/$size" ]]
  is_part $((size - 7)) 7
  [[ $(fetch -r $((size - 1))-999999999999999999999999 "$url") == 206 && $(field content-length) == 1 ]]
  [[ $(fetch -r $size- "$url") == 416 && $(field content-range) == "bytes */$size" && ! -s $home/got ]]
  [[ $(fetch -r -0 "$url") == 416 ]]
  [[ $(fetch -r 0-0,5-9 "$url") == 200 && $(sha256_of "$home/got") == "$sha" ]]
  [[ $(fetch -H 'Range: lines=1-2' "$url") == 200 ]]
  [[ $(fetch -H 'Range: bytes=9-2' "$url") == 200 ]]
}

@test "If-Range goes on only with the same file, If-None-Match fetches nothing twice, HEAD has no body" {
  [[ $(fetch -r 500- -H "If-Range: \"$sha\"" "$url") == 206 ]]
  is_part 500 $((size - 500))
  [[ $(fetch -r 500- -H 'If-Range: "another"' "$url") == 200 && $(sha256_of "$home/got") == "$sha" ]]
  [[ $(fetch -r 500- -H "If-Range: W/\"$sha\"" "$url") == 200 ]]
  : >"$home/got"
  [[ $(fetch -H "If-None-Match: \"$sha\"" "$url") == 304 && ! -s $home/got && $(field etag) == "\"$sha\"" ]]
  [[ $(fetch -H 'If-None-Match: "another"' "$url") == 200 ]]
  [[ $(fetch -H 'If-Match: "another"' "$url") == 412 ]]
  [[ $(fetch -I "$url") == 200 && $(field content-length) == "$size" && $(field etag) == "\"$sha\"" ]]
}

@test "curl takes a download up where it was left (-C -), in any number of pieces on one connection" {
  head -c 33333 "$file" >"$home/partial"
  curl -sS -m 30 -C - -o "$home/partial" -w '%{http_code}' "$url" | grep -qx 206
  [[ $(sha256_of "$home/partial") == "$sha" ]]
  # One invocation of curl is one connection, as its words say.
  curl -sS -v -m 30 -r 0-49999 -o "$home/a" "$url" --next -sS -v -m 30 -r 50000- -o "$home/b" "$url" 2>"$home/words"
  cat "$home/a" "$home/b" | cmp - "$file"
  grep -qi 're-using existing connection' "$home/words"
}

@test "without the right key there is nothing, and nothing is said of what there is" {
  local address=${url%%\?*} key=${url#*k=}
  [[ $(fetch "$address") == 403 ]]
  [[ $(fetch "$address?k=") == 403 && $(fetch "$address?x=$key") == 403 && $(fetch "$address?k=aaaa") == 403 ]]
  local changed
  [[ ${key:0:1} == A ]] && changed=B${key:1} || changed=A${key:1}
  [[ $(fetch "$address?k=$changed") == 403 ]]
  [[ $(fetch "$address?k=${key%?}") == 403 && $(fetch "$address?k=${key}A") == 403 ]]
  # A key is one firmware's; whether another exists is not told.
  [[ $(fetch "http://127.0.0.1:$http_port/ota/v1/fw-2/fw-2.bin?k=$key") == 403 ]]
  cp "$home/got" "$home/known"
  [[ $(fetch "http://127.0.0.1:$http_port/ota/v1/nothing/fw-2.bin?k=$key") == 403 ]]
  cmp "$home/got" "$home/known"
  [[ $(fetch --path-as-is "http://127.0.0.1:$http_port/ota/v1/../../etc/passwd?k=$key") == 40[034] ]]
  [[ $(fetch --path-as-is "http://127.0.0.1:$http_port/ota/v1/%2e%2e/%2e%2e/passwd?k=$key") == 40[034] ]]
  [[ $(fetch "http://127.0.0.1:$http_port/ota/v1/?k=$key") == 404 ]]
  # What the last part says is for people.
  [[ $(fetch "http://127.0.0.1:$http_port/ota/v1/fw-1/other.name?k=$key") == 200 ]]
  for method in POST PUT DELETE OPTIONS; do
    [[ $(fetch -X $method "$url") == 405 && $(field allow) == "GET, HEAD" ]]
  done
  run ! grep -F "$key" "$daemon_log"
}

@test "a key works until its device's time limit and the server's grace are over" {
  jlctl ota server edit main --token-grace 0
  jlctl ota task add roll-2 --firmware fw-2 --device dev-2 --response-timeout 1 --upgrade-timeout 1
  late=$(heard dev-2 firmware/upgrade | jq -r .url)
  expired() { [[ $(fetch "$late") == 403 ]]; }
  until_true 20 expired
  jq -e '.message | contains("expired")' "$home/got"
  jlctl ota server edit main --token-grace 3600
  # dev-1's lives on.
  [[ $(fetch "$url") == 200 ]]
}

@test "a key is worth nothing any more when its record is stopped or gone" {
  add_devices sensor dev-4
  jlctl ota task add roll-3 --firmware fw-2 --device dev-3 --device dev-4 --max-in-flight 1 --upgrade-timeout 3600
  start_devices sensor dev-3
  address=$(heard dev-3 firmware/upgrade | jq -r .url)
  [[ $(fetch "$address") == 200 ]]
  jlctl device disable dev-3 --yes
  has_record roll-3 dev-3 '.state == "canceled"'
  [[ $(fetch "$address") == 403 ]]
  call /v1/ota-tasks/roll-3/remove -X POST -H 'Content-Type: application/json' -d '{"devices":["dev-3"]}'
  [[ $status_code == 200 ]]
  [[ $(fetch "$address") == 403 ]]
}

@test "a server gives so many downloads at once, and sends others away for a while" {
  jlctl ota server edit main --max-downloads 1 --max-rate 20000 --retry-after 7
  one_runs() { [[ $(jlctl ota server show main -o value=status.downloads) == 1 ]]; }
  none_runs() { [[ $(jlctl ota server show main -o value=status.downloads) == 0 ]]; }
  curl -sS -m 60 -o /dev/null "$url" 3>&- &
  reader=$!
  until_true 20 one_runs
  [[ $(fetch "$url") == 503 && $(field retry-after) == 7 ]]
  # What has no body takes no place.
  [[ $(fetch -I "$url") == 200 && $(fetch -H "If-None-Match: \"$sha\"" "$url") == 304 ]]
  kill -KILL "$reader"
  until_true 20 none_runs
  jlctl ota server edit main --max-rate 0
  [[ $(fetch "$url") == 200 ]]
  jlctl ota server show main -o json | jq -e '.data.status | .turnedAway >= 1 and .requests > 10 and .bytes >= 100000'
  jlctl ota server edit main --max-downloads 200
}

@test "a disabled server serves nobody, and serves them again" {
  jlctl ota server disable main --yes
  [[ $(fetch "$url") == 404 ]]
  jlctl ota server enable main
  [[ $(fetch "$url") == 200 ]]
}

@test "HTTPS with the component's certificate" {
  local port
  port=$(free_port)
  jlctl cert generate web --san 127.0.0.1
  jlctl cert show web -o json | jq -r '.. | .certPem? // empty' | head -n 60 >"$home/web.pem" || true
  jlctl network add ota-https --type http-server --host 127.0.0.1 --port "$port" --secure --cert web
  jlctl ota server add secure --network ota-https --public-url "https://127.0.0.1:$port" --enabled
  add_devices sensor dev-5
  start_devices sensor dev-5
  jlctl ota task add roll-tls --firmware fw-1 --device dev-5 --server secure
  address=$(heard dev-5 firmware/upgrade | jq -r .url)
  [[ $address == "https://127.0.0.1:$port/"* ]]
  [[ $(fetch -k "$address") == 200 && $(sha256_of "$home/got") == "$sha" ]]
  [[ $(fetch -k -r 99990- "$address") == 206 ]]
  is_part 99990 10
  # An address is for the server that its component belongs to, too: both have the file.
  [[ $(fetch "${address/https:\/\/127.0.0.1:$port/http://127.0.0.1:$http_port}") == 200 ]]
  run --separate-stderr jlctl ota task add roll-x --firmware fw-2 --device dev-5
  [[ $status -ne 0 && $stderr == *server* && $stderr == *main* && $stderr == *secure* ]]
}

@test "CoAP, block by block" {
  local port
  port=$(free_udp_port)
  jlctl network add ota-coap --type coap-server --host 127.0.0.1 --port "$port"
  jlctl ota server edit main --coap-network ota-coap --coap-url "coap://127.0.0.1:$port"
  # The same key in the other address, as a device with both ways might use it.
  local address=${url/http:\/\/127.0.0.1:$http_port/coap://127.0.0.1:$port}
  timeout 60 coap-client-openssl -B 50 -b 512 -o "$home/got" "$address"
  [[ $(sha256_of "$home/got") == "$sha" ]]
  timeout 60 coap-client-openssl -B 50 -o "$home/got" "$address"
  [[ $(sha256_of "$home/got") == "$sha" ]]
  [[ $(timeout 20 coap-client-openssl -B 10 "${address%??}" 2>&1) == *4.03* ]]
  [[ $(timeout 20 coap-client-openssl -B 10 -m put -e x "$address" 2>&1) == *4.05* ]]
}

@test "what was fetched is counted of the record, and shows as its progress" {
  record roll-1 dev-1 | jq -e --argjson size $size '.bytesServed >= $size and .state == "processing" and .progress == 99'
  # A HEAD and a 304 are none.
  other=$(heard dev-6 firmware/upgrade | jq -r .url)
  [[ $(fetch -I "$other") == 200 && $(fetch -H "If-None-Match: \"$sha\"" "$other") == 304 ]]
  record roll-1 dev-6 | jq -e '(.bytesServed // 0) == 0 and .progress == 0'
}

@test "jlctl ota check fetches as a device would, and says what does not fit" {
  run --separate-stderr jlctl ota check fw-1 --server main -o json
  assert_success
  jq -e --arg sha "$sha" --argjson size $size '.data | .bytes == $size and .sha256 == $sha and .result == "ok" and (.url | startswith("http://127.0.0.1:") and (contains("k=") | not))' <<<"$output"
  jlctl ota server edit main --public-url "http://127.0.0.1:$(free_port)"
  run --separate-stderr jlctl ota check fw-1 --server main
  assert_error 10 job_failed
  [[ $stderr == *127.0.0.1* && $stderr == *"jlctl ota server show main"* ]]
  jlctl ota server edit main --public-url "http://127.0.0.1:$http_port/"
  jlctl ota check fw-1 --server main
  run --separate-stderr jlctl ota check fw-9 --server main
  assert_error 3 not_found
}
