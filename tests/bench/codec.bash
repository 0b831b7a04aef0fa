# Loaded by tests/bench/run: decode() and encode() in process, on one thread. The same reports through a protocol
# package, whose scripts are interpreted, and through the built-in protocol; node, which compiles what it runs, and
# Python show where that stands. decode gives a checked device message, node and Python give its JSON text.
# shellcheck disable=SC2154  # $home, $bin and the like are run's

codec_seconds=$((quick ? 1 : 5))
codec_print() { # codec_print NAME RUNTIME FIGURE FIGURE FIGURE
  printf '  %-32s %-10s %12s %16s %16s\n' "$@"
}
# The rows of one function: codec_rows FUNCTION
codec_rows() {
  local name runtime rate cpu calls
  while IFS='|' read -r name runtime rate cpu calls; do
    [[ $name != "$1" ]] || codec_print "$name" "$runtime" "$rate" "$cpu" "$calls"
  done <"$home/codec.speed"
}
# codec_peer FUNCTION RUNTIME COMMAND...
codec_peer() {
  local figures
  command -v "$3" >/dev/null || { codec_print "$1" "$2 not installed" "" "" ""; return; }
  figures=$("${@:3}") || exit 1
  # shellcheck disable=SC2086  # three words
  codec_print "$1" "$2" $figures
}

codec() {
  local kind what took resident anonymous
  for kind in sensor frame; do "$bin/jl_bench_codec" messages "$kind" >"$home/codec.$kind"; done
  "$bin/jl_bench_codec" speed "$codec_seconds" >"$home/codec.speed"

  printf '\n%s\n' "One function of a codec on one thread, $codec_seconds s; reports have 3 numbers (JSON) or 6 (frame)"
  codec_print "" runtime calls/s "CPU us each" calls
  codec_rows "decode MQTT JSON"
  codec_peer "decode MQTT JSON" node node tests/bench/codec/peer.mjs examples/protocols/sensor/main.js \
    "$home/codec.sensor" "$codec_seconds" /sensor/202600000017/up
  codec_rows "decode TCP frame"
  codec_peer "decode TCP frame" node node tests/bench/codec/peer.mjs tests/bench/codec/frame/main.js \
    "$home/codec.frame" "$codec_seconds"
  codec_peer "decode TCP frame" python3 python3 tests/bench/codec/peer.py "$home/codec.frame" "$codec_seconds"
  codec_rows "decode nothing"
  codec_rows "encode MQTT JSON"
  codec_rows "encode TCP frame"

  printf '\n%s\n' "A package is loaded and decodes once; memory that it adds"
  codec_print "" "" "CPU ms" "KiB resident" "KiB anonymous"
  while IFS='|' read -r what took resident anonymous; do
    codec_print "$what" "" "$took" "$resident" "$anonymous"
  done < <("$bin/jl_bench_codec" memory)
}
