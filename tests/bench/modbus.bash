# Loaded by tests/bench/run: what polling Modbus slaves costs, beside libmodbus in a loop that reads the same registers
# and forgets them. Schedules are measured at the slave, which notes when requests arrive; drift is how far an arrival
# is from the first one of its block plus whole intervals. Each table begins with a daemon without history.
# shellcheck disable=SC2154  # $home, $bin and the like are run's

modbus_minute=${BENCH_SECONDS:-$((quick ? 5 : 60))} # of the first figures
modbus_seconds=$((quick ? 3 : 8))                   # of the others
declare -A modbus_in=() modbus_out=() modbus_port=()

modbus_ctl() { JLCTL_SOCKET=$home/modbus.sock "$bin/jlctl" "$@"; }
modbus_metrics() { curl -sS --unix-socket "$home/modbus.sock" http://jlinkd/metrics; }
modbus_slave() { # modbus_slave NAME [flood]
  local in out
  mkfifo "$home/$1.in" "$home/$1.out"
  "$bin/jl_bench_modbus_slave" "${@:2}" <"$home/$1.in" >"$home/$1.out" &
  modbus_pids[$1]=$!
  exec {in}>"$home/$1.in" {out}<"$home/$1.out"
  modbus_in[$1]=$in modbus_out[$1]=$out
  read -r -u "$out" "modbus_port[$1]"
}
modbus_loop() { # modbus_loop SLAVE CONNECTIONS REGISTERS INTERVAL merged|single
  "$bin/jl_bench_modbus_loop" "${modbus_port[$1]}" "${@:2}" &
  modbus_pids[loop]=$!
}
modbus_end() { # modbus_end NAME...
  local name
  for name in "$@"; do
    end "${modbus_pids[$name]}"
    unset "modbus_pids[$name]"
  done
}
# A daemon of its own with what some commands print as a manifest, once all its points are read. It has been started
# again since: memory that the change used is not counted.
modbus_daemon() { # modbus_daemon POINTS COMMAND...
  if [[ -n ${modbus_pids[jlinkd]:-} ]]; then modbus_end jlinkd; fi
  rm -rf "$home/modbus"
  cat >"$home/modbus.yaml" <<END
stateDir: $home/modbus
control: {socket: $home/modbus.sock}
log: {level: error}
END
  modbus_start
  "${@:2}" >"$home/modbus.manifest"
  # Channels that lead to one slave are warned of.
  modbus_ctl apply -f "$home/modbus.manifest" --timeout 10m >/dev/null 2>"$home/modbus.log" ||
    { tail -n 3 "$home/modbus.log" >&2; exit 1; }
  modbus_end jlinkd
  modbus_start
  until_true modbus_reads "$1"
  read -r -t 1 <> <(:) || true # what it has put off until now is not counted
}
modbus_start() {
  "$bin/jlinkd" --config "$home/modbus.yaml" >>"$home/jlinkd.log" 2>&1 &
  modbus_pids[jlinkd]=$!
  modbus_ctl daemon wait --wait-timeout 30s
}
modbus_reads() { # modbus_reads POINTS
  modbus_metrics | awk -v want="$1" '/^jlinkd_modbus_points_good/ { n += $2 } END { exit n < want }'
}
modbus_counters() { # prints VALUES OVERRUNS of all channels but those of a flood
  modbus_metrics | awk '/flood/ { next } /^jlinkd_modbus_values_total/ { v += $2 }
                            /^jlinkd_modbus_overruns_total/ { o += $2 } END { printf "%.0f %.0f\n", v, o }'
}
modbus_channel() { # modbus_channel ID SLAVE POINTS INTERVAL [more of their spec]
  local i
  printf -- '---\n{kind: modbus-channel, id: %s, enabled: true, spec: {host: 127.0.0.1, port: %s}}\n' \
    "$1" "${modbus_port[$2]}"
  for ((i = 0; i < $3; i++)); do
    printf -- '---\n{kind: modbus-point, id: %s-%d, enabled: true, spec: {channelId: %s, address: "0x%x", interval: %d%s}}\n' \
      "$1" "$i" "$1" "$i" "$4" "${5:-}"
  done
}
modbus_channels() { # modbus_channels COUNT SLAVE POINTS INTERVAL
  local n
  for ((n = 0; n < $1; n++)); do modbus_channel "c$n" "${@:2}"; done
}
# A channel, and ten devices that have a hundred of its points as properties each.
modbus_devices() {
  local device i
  modbus_channel c a 1000 100
  printf -- '---\n%s\n' '{kind: protocol, id: modbus, spec: {configuration: {builtin: modbus-tcp}}}' \
    '{kind: gateway, id: modbus, spec: {provider: modbus-tcp, protocol: modbus}}'
  printf -- '---\n{kind: product, id: modbus, enabled: true, spec: {accessId: modbus, metadata: {properties: ['
  for ((i = 0; i < 100; i++)); do printf '{id: r%d, name: r%d, valueType: {type: int}},' "$i" "$i"; done
  printf ']}}}\n'
  for ((device = 0; device < 10; device++)); do
    printf -- '---\n{kind: device, id: d%d, enabled: true, spec: {productId: modbus, bindings: [' "$device"
    for ((i = 0; i < 100; i++)); do printf '{property: r%d, point: c-%d},' "$i" "$((device * 100 + i))"; done
    printf ']}}\n'
  done
}

# What the threads of a process have used, in nanoseconds: the hundredths of a second of /proc/PID/stat are too coarse
# for a loop that sleeps most of the time.
modbus_cpu() { cat "/proc/$1"/task/*/schedstat | awk '{ used += $1 } END { printf "%.0f\n", used }'; }
modbus_rss() { awk '/^VmRSS/ { printf "%.0f", $2 / 1024 }' "/proc/$1/status"; }
# Watches those who poll, all in the same time: modbus_watch SECONDS INTERVAL WHO SLAVE [WHO SLAVE]
# Leaves in modbus_saw, by who it was: VALUES/S REQUESTS/S CPU_US CPU% LEFT_OUT P99 WORST OVERRUNS
# On a busy machine asking takes its time, too: each rate is over the time between its own two questions.
declare -A modbus_saw=()
modbus_watch() {
  local seconds=$1 interval=$2 who
  shift 2
  local -A slave=() counted=() cpu=() noted=()
  while (($#)); do slave[$1]=$2 && shift 2; done
  [[ -z ${slave[jlinkd]:-} ]] || counted[jlinkd]="$(modbus_counters) ${EPOCHREALTIME/./}"
  for who in "${!slave[@]}"; do
    echo "reset $interval" >&"${modbus_in[${slave[$who]}]}"
    noted[$who]=${EPOCHREALTIME/./}
    cpu[$who]="$(modbus_cpu "${modbus_pids[$who]}") ${EPOCHREALTIME/./}"
  done
  read -r -t "$seconds" <> <(:) || true
  for who in "${!slave[@]}"; do
    cpu[$who]+=" $(modbus_cpu "${modbus_pids[$who]}") ${EPOCHREALTIME/./}"
    echo show >&"${modbus_in[${slave[$who]}]}"
    noted[$who]+=" ${EPOCHREALTIME/./} $(modbus_shown "${slave[$who]}")"
  done
  [[ -z ${slave[jlinkd]:-} ]] || counted[jlinkd]+=" $(modbus_counters) ${EPOCHREALTIME/./}"
  for who in "${!slave[@]}"; do
    modbus_saw[$who]=$(awk -v counted="${counted[$who]:-}" -v cpu="${cpu[$who]}" -v noted="${noted[$who]}" 'BEGIN {
        split(cpu, c); split(noted, n); load = (c[3] - c[1]) / (c[4] - c[2]) / 1000
        rate = n[4] / (n[2] - n[1]) * 1e6
        if (split(counted, k) > 0) rate = (k[4] - k[1]) / (k[6] - k[3]) * 1e6
        printf "%.0f %.0f %.0f %.1f %s %s %s %d", rate, n[3] / (n[2] - n[1]) * 1e6, rate ? load * 1e9 / rate : 0,
          load * 100, n[5], n[6], n[7], k[5] - k[2]
      }')
  done
}
modbus_shown() { # prints REQUESTS VALUES LEFT_OUT P99_MS WORST_MS
  local line
  read -r -u "${modbus_out[$1]}" line
  echo "$line"
}
modbus_heading() {
  printf '\n%s\n  %-32s %-10s %10s %11s %12s %9s %9s %9s\n' "$1" "" server points/s requests/s "us per 1000" \
    "p99 ms" "worst ms" "left out"
}
modbus_row() { # modbus_row NAME WHO
  local values requests us left p99 worst
  read -r values requests us _ left p99 worst _ <<<"${modbus_saw[$2]}"
  printf '  %-32s %-10s %10s %11s %12s %9s %9s %9s\n' "$1" "${2/loop/libmodbus}" "$values" "$requests" "$us" "$p99" \
    "$worst" "$left"
}
modbus_limit() { # modbus_limit NAME
  local values requests percent worst overruns
  read -r values requests _ percent _ _ worst overruns <<<"${modbus_saw[jlinkd]}"
  printf '  %-43s %10s %11s %12s %9s %9s %9s\n' "$1" "$values" "$requests" "$percent" \
    "$(modbus_rss "${modbus_pids[jlinkd]}")" "$worst" "$overruns"
}

modbus_contiguous() {
  local reports
  modbus_heading "1,000 contiguous registers every 100 ms over one connection; the first two rows: $modbus_minute s"
  modbus_daemon 1000 modbus_channel c a 1000 100
  modbus_loop b 1 1000 100 merged
  modbus_watch "$modbus_minute" 100 jlinkd a loop b # in the same minute, so that both meet what else the machine does
  modbus_row "merged" jlinkd
  modbus_row "merged" loop
  modbus_end loop
  modbus_daemon 1000 modbus_devices
  reports=$(modbus_ctl gateway show modbus -o value=status.counters.receivedMessages)
  modbus_watch "$modbus_seconds" 100 jlinkd a
  reports=$(($(modbus_ctl gateway show modbus -o value=status.counters.receivedMessages) - reports))
  modbus_row "merged, bound: $((reports / modbus_seconds)) reports/s" jlinkd
  modbus_daemon 1000 modbus_channel c a 1000 100 ", noMerge: true"
  modbus_watch "$modbus_seconds" 100 jlinkd a
  modbus_row "one request each" jlinkd
  modbus_end jlinkd
  modbus_loop b 1 1000 100 single
  modbus_watch "$modbus_seconds" 100 loop b
  modbus_row "one request each" loop
  modbus_end loop
}

modbus_wide() {
  modbus_heading "1,000 connections with 10 registers each, every second"
  modbus_daemon 10000 modbus_channels 1000 a 10 1000
  modbus_watch "$modbus_seconds" 1000 jlinkd a
  modbus_row "merged" jlinkd
  modbus_end jlinkd
  modbus_loop b 1000 10 1000 merged
  modbus_watch "$modbus_seconds" 1000 loop b
  modbus_row "merged" loop
  modbus_end loop
  modbus_loop b 1000 10 1000 single
  modbus_watch "$modbus_seconds" 1000 loop b
  modbus_row "one request each" loop
  modbus_end loop
}

modbus_limits() {
  local flood
  printf '\n%s\n  %-43s %10s %11s %12s %9s %9s %9s\n' "Limits of jlinkd" "" points/s requests/s "CPU %" "RSS MiB" \
    "worst ms" overruns
  modbus_daemon 0 echo
  modbus_watch 1 1000 jlinkd a
  modbus_limit "nothing"
  modbus_daemon 10000 modbus_channel c a 10000 1000
  modbus_watch "$modbus_seconds" 1000 jlinkd a
  modbus_limit "10,000 points of one channel every s"
  modbus_daemon 20000 modbus_channels 2000 a 10 1000
  modbus_watch "$modbus_seconds" 1000 jlinkd a
  modbus_limit "2,000 channels x 10 points every s"
  modbus_slave flood flood
  modbus_daemon 800 modbus_channels 8 a 100 100
  modbus_watch "$modbus_seconds" 100 jlinkd a
  modbus_limit "8 channels x 100 points every 100 ms"
  modbus_channel flood flood 100 100 | modbus_ctl apply -f - >/dev/null
  modbus_watch "$modbus_seconds" 100 jlinkd a
  flood=$(modbus_ctl modbus channel show flood -o value=status.counters.receivedBytes)
  modbus_limit "the same, $((flood / modbus_seconds >> 20)) MiB/s flood a ninth"
  modbus_end flood jlinkd
}

modbus() {
  modbus_slave a
  modbus_slave b
  modbus_contiguous
  modbus_wide
  modbus_limits
  modbus_end a b
}
