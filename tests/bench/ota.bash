# Loaded by tests/bench/run: what a remote upgrade costs. A task is made for many devices; devices that are connected
# are told and answer, beside an application on mosquitto that sends the same messages and keeps no account; the image is
# fetched by all at once, beside nginx with the same file. Last, the bookkeeping alone, without sockets and disk.
# shellcheck disable=SC2154  # $home, $bin and the like are run's

ota_fleet=$((quick ? 2000 : 10000))
ota_told=$((quick ? 500 : 2000))
ota_clients=$((quick ? 50 : 200))
ota_bytes=$(((quick ? 5 : 50) << 20))
ota_tls_bytes=$((ota_bytes / 5)) # of each: both sides of it are computed here
ota_port=$(free_port) ota_http_port=$(free_port) ota_https_port=$(free_port)
ota_nginx_port=$(free_port) ota_nginx_tls_port=$(free_port)

ota_ctl() { JLCTL_SOCKET=$home/ota.sock "$bin/jlctl" "$@"; }
ota_start() {
  "$bin/jlinkd" --config "$home/ota.yaml" >>"$home/jlinkd.log" 2>&1 &
  ota_pids[jlinkd]=$!
  ota_ctl daemon wait --wait-timeout 30s
}
# Memory that was used before would be used again and not be counted.
ota_restart() {
  end "${ota_pids[jlinkd]}"
  ota_start
}
ota_rss() { awk '/^VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/${ota_pids[jlinkd]}/status"; }
ota_disk() { du -sk --apparent-size "$home/ota" | cut -f 1; }
ota_count() { ota_ctl ota task show "$1" -o "value=status.$2"; } # ota_count TASK WORD
ota_has() { [[ $(ota_count "$1" "$2") == "$3" ]]; }
ota_devices() { # ota_devices PREFIX COUNT
  awk -v prefix="$1" -v count="$2" 'BEGIN {
    for (i = 0; i < count; ++i) printf "---\n{kind: device, id: %s%d, enabled: true, spec: {productId: bench}}\n", prefix, i
  }'
}
ota_firmware() { # ota_firmware ID ORDER FILE
  ota_ctl ota firmware add "$1" --product bench --version "$2.0" --order "$2" --image "$3" --sign auto >/dev/null
}

# A daemon of its own, with devices, a way in for them and two ways out for images.
ota_daemon() {
  cat >"$home/ota.yaml" <<END
stateDir: $home/ota
control: {socket: $home/ota.sock}
log: {level: error}
END
  ota_start
  ota_ctl cert add bench --key-file "$home/key.pem" --cert-file "$home/cert.pem" >/dev/null
  {
    cat <<END
kind: network
id: mqtt
spec: {type: MQTT_SERVER, configuration: {host: 127.0.0.1, port: $ota_port}}
---
kind: network
id: http
spec: {type: HTTP_SERVER, configuration: {host: 127.0.0.1, port: $ota_http_port}}
---
kind: network
id: https
spec: {type: HTTP_SERVER, configuration: {host: 127.0.0.1, port: $ota_https_port, secure: true, certId: bench}}
---
kind: protocol
id: official
spec: {configuration: {builtin: jetlinks-official}}
---
kind: gateway
id: gw
spec: {provider: mqtt-server-gateway, channelId: mqtt, protocol: official}
---
kind: product
id: bench
enabled: true
spec: {accessId: gw, configuration: {secureId: device, secureKey: device-key}}
---
kind: ota-server
id: clear
enabled: true
spec: {networkId: http, publicUrl: "http://127.0.0.1:$ota_http_port", maxDownloads: 1000}
---
kind: ota-server
id: tls
enabled: true
spec: {networkId: https, publicUrl: "https://127.0.0.1:$ota_https_port", maxDownloads: 1000}
END
    ota_devices bench- "$ota_told"
    ota_devices fleet- $((ota_fleet - ota_told))
  } >"$home/ota.manifest"
  ota_ctl apply -f "$home/ota.manifest" --timeout 2m >/dev/null
}

# Nobody is there: the whole cost is that of the records.
ota_creation() {
  local began took before after disk added
  head -c 1000 /dev/urandom >"$home/ota-small.bin"
  ota_firmware created 1 "$home/ota-small.bin"
  ota_restart
  before=$(ota_rss) disk=$(ota_disk) began=${EPOCHREALTIME/./}
  ota_ctl ota task add created --firmware created --server clear >/dev/null
  took=$(((${EPOCHREALTIME/./} - began) / 1000))
  after=$(ota_rss) added=$(($(ota_disk) - disk))
  end "${ota_pids[jlinkd]}"
  began=${EPOCHREALTIME/./}
  ota_start
  until_true ota_has created waiting "$ota_fleet" # else not all of them are on disk
  printf '\n%s\n  %-32s %12s %12s %12s %14s %14s\n' "A task for $ota_fleet devices, none of them connected" "" "answers, ms" \
    "RSS MiB" "RSS after" "KiB on disk" "started again"
  printf '  %-32s %12s %12s %12s %14s %14s\n' "jlctl ota task add" "$took" "$before" "$after" "$added" \
    "$(((${EPOCHREALTIME/./} - began) / 1000)) ms"
  ota_ctl ota task stop created >/dev/null
}

ota_row() { # ota_row NAME SERVER FIGURE...
  printf '  %-32s %-10s %12s %12s %16s %16s\n' "$@"
}
# Devices are told by a task: ota_upgrade NAME TASK ORDER IN_FLIGHT [flags of jlctl ota task add]
ota_upgrade() {
  local task=$2 command figures
  ota_firmware "$task" "$3" "$home/ota-small.bin"
  ota_restart
  command="$bin/jlctl ota task add $task --firmware $task --server clear --max-in-flight $4 ${*:5}"
  figures=$("$bin/jl_bench_mqtt" upgrade --port "$ota_port" --pid "${ota_pids[jlinkd]}" --username device \
    --password device-key --connections "$ota_told" --command "JLCTL_SOCKET=$home/ota.sock $command" 2>"$home/ota.log") ||
    { cat "$home/ota.log" >&2; exit 1; }
  until_true ota_has "$task" success "$ota_told"
  # shellcheck disable=SC2086  # four words
  ota_row "$1" jlinkd $figures
}
ota_tell() { # ota_tell NAME IN_FLIGHT: the same without a task
  local figures
  figures=$("$bin/jl_bench_mqtt" upgrade --port "$mosquitto_port" --pid "$mosquitto_pid" --username u --password p \
    --connections "$ota_told" --window "$2") || exit 1
  # shellcheck disable=SC2086  # four words
  ota_row "$1" mosquitto $figures
}
ota_dispatch() {
  local order=10 window
  printf '\n%s\n' "$ota_told connected devices are told, acknowledge and say that they are done; no rate limit"
  ota_row "" server "devices/s" "all done, s" "server us each" "clients us each"
  for window in 50 1000; do
    ota_upgrade "$window in flight" "flight-$window" $((++order)) "$window" --where "'id~bench-*'"
    ota_tell "$window in flight" "$window"
  done
  # All of them chosen by their names, which are part of the task then.
  awk -v count="$ota_told" 'BEGIN { for (i = 0; i < count; ++i) print "bench-" i }' >"$home/ota.devices"
  ota_upgrade "1000 in flight, by name" named $((++order)) 1000 --device-file "$home/ota.devices"
}

# Debian's nginx with a process per core, and the settings that it is known for.
ota_nginx() {
  cat >"$home/ota-nginx.conf" <<END
daemon off;
pid $home/ota-nginx.pid;
error_log $home/ota-nginx.log error;
user root;
worker_processes $(nproc);
events { worker_connections 10000; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path $home/ota-nginx-body;
  proxy_temp_path $home/ota-nginx-proxy;
  fastcgi_temp_path $home/ota-nginx-fastcgi;
  uwsgi_temp_path $home/ota-nginx-uwsgi;
  scgi_temp_path $home/ota-nginx-scgi;
  server {
    listen 127.0.0.1:$ota_nginx_port reuseport;
    listen 127.0.0.1:$ota_nginx_tls_port ssl reuseport;
    ssl_certificate $home/cert.pem;
    ssl_certificate_key $home/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    root $home/ota-www;
    location / { try_files /image.bin =404; }
  }
}
END
  /usr/sbin/nginx -p "$home" -e "$home/ota-nginx.log" -c "$home/ota-nginx.conf" 2>"$home/ota-nginx-start.log" &
  ota_pids[nginx]=$!
  until_true open_port "$ota_nginx_port"
}
# Prints one server's line: ota_fetch NAME SERVER PORT BYTES TLS
ota_fetch() {
  local pids=${ota_pids[$2]} figures
  [[ $2 == jlinkd ]] || pids=$(cat "/proc/$pids/task/$pids/children")
  figures=$("$bin/jl_bench_download" --port "$3" --urls "$home/ota.urls" --bytes "$4" --tls "$5" --pids "$pids") || exit 1
  # shellcheck disable=SC2086  # five words
  printf '  %-32s %-10s %12s %12s %12s %14s %14s\n' "$1" "$2" $figures
}
ota_download() {
  local sum who="$ota_clients clients" each=$((ota_bytes >> 20)) tls=$((ota_tls_bytes >> 20))
  mkdir "$home/ota-www"
  head -c "$ota_bytes" /dev/urandom >"$home/ota-www/image.bin"
  chmod 755 "$home" # nginx' workers may be somebody else
  ota_firmware image 30 "$home/ota-www/image.bin"
  ota_restart
  "$bin/jl_bench_mqtt" upgrade --port "$ota_port" --pid "${ota_pids[jlinkd]}" --username device --password device-key \
    --connections "$ota_clients" --urls "$home/ota.urls" \
    --command "JLCTL_SOCKET=$home/ota.sock $bin/jlctl ota task add image --firmware image --server clear --max-in-flight 1000 --where 'id~bench-*'" \
    >"$home/ota.log" 2>&1 || { cat "$home/ota.log" >&2; exit 1; }
  ota_nginx
  # What both serve is the file, and in the kernel's memory.
  sum=$(sha256sum <"$home/ota-www/image.bin")
  for port in "$ota_http_port" "$ota_nginx_port"; do
    [[ $(curl -sSf "$(head -n 1 "$home/ota.urls" | sed "s/:[0-9]\+/:$port/")" | sha256sum) == "$sum" ]] ||
      { echo "port $port serves another file" >&2; exit 1; }
  done
  printf '\n%s\n  %-32s %-10s %12s %12s %12s %14s %14s\n' "$who fetch an image at once, each by its own address" "" server \
    MiB/s "server s" "clients s" "RSS MiB" "RSS peak"
  ota_fetch "$each MiB each" jlinkd "$ota_http_port" "$ota_bytes" 0
  ota_fetch "$each MiB each" nginx "$ota_nginx_port" "$ota_bytes" 0
  ota_fetch "$tls MiB each, TLS 1.3" jlinkd "$ota_https_port" "$ota_tls_bytes" 1
  ota_fetch "$tls MiB each, TLS 1.3" nginx "$ota_nginx_tls_port" "$ota_tls_bytes" 1
  end "${ota_pids[nginx]}"
  unset "ota_pids[nginx]"
}

ota() {
  ota_daemon
  ota_creation
  ota_dispatch
  ota_download
  end "${ota_pids[jlinkd]}"
  unset "ota_pids[jlinkd]"
  printf '\n%s\n' "A task in memory, no sockets and no disk: us of CPU time per device"
  "$bin/jl_bench_ota" $((quick ? 10000 : 100000))
}
