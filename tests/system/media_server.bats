#!/usr/bin/env bats
# Media servers: fields, health, tests and what becomes of secrets, against stand-ins that answer as ZLMediaKit and SRS
# do (operations.md 3.1, 3.2, 3.8).
# shellcheck disable=SC2154  # variables of helpers.bash and of run
load helpers.bash

setup_file() {
  make_home
  export zlm_port srs_port
  (umask 077; printf 'canary-zlm-secret' >"$home/zlm.txt"; printf 'canary-srs-secret' >"$home/srs.txt"; printf wrong >"$home/wrong.txt")
  stand_in zlm canary-zlm-secret
  stand_in srs canary-srs-secret
  start_daemon
  # shellcheck disable=SC2154  # set by stand_in
  jlctl media server add zlm-1 --provider zlmedia --api-host 127.0.0.1 --api-port "$zlm_port" --rtp-ip 127.0.0.1 --secret-file "$home/zlm.txt"
  # shellcheck disable=SC2154
  jlctl media server add srs-1 --provider srs-media --api-host 127.0.0.1 --api-port "$srs_port" --rtp-ip 127.0.0.1 --secret-file "$home/srs.txt"
}
teardown_file() {
  local kind
  for kind in zlm srs; do kill "$(cat "$home/$kind.pid")" 2>/dev/null || true; done
  remove_home
}
teardown() { show_log; }

# Starts a stand-in and sets $zlm_port or $srs_port: stand_in KIND SECRET
stand_in() {
  /usr/bin/python3 "$JL_SOURCE/tests/support/media_server.py" --kind "$1" --secret "$2" >"$home/$1.out" 2>&1 3>&- &
  echo $! >"$home/$1.pid"
  until_true 10 test -s "$home/$1.out"
  printf -v "$1_port" '%s' "$(head -n 1 "$home/$1.out")"
}
# What the stand-in of ZLMediaKit says from now on.
zlm_says() { curl -sS -X PUT --data-binary "$1" "http://127.0.0.1:$zlm_port/say" >"$home/said"; }
has_state() { [[ $(jlctl media server show "$1" -o value=status.state) == "$2" ]]; }

@test "a server is asked by itself, and its ports are those of its own configuration unless they are given" {
  until_true 20 has_state zlm-1 ok
  until_true 20 has_state srs-1 ok
  jlctl media server show zlm-1 -o json | jq -e '.data.status | .serverId == "stand-in" and .version == "stand-in" and .ports.rtsp == 5540 and .ports.rtmp == 19350 and .load == 0.03'
  jlctl media server show srs-1 -o json | jq -e '.data.status | .version == "5.0.213" and .ports.rtmp == 1935'
  jlctl media server edit zlm-1 --rtsp-port 8554
  rtsp_is() { jlctl media server show zlm-1 -o json | jq -e ".data.status.ports.rtsp == $1"; }
  until_true 20 rtsp_is 8554
  curl -sS --unix-socket "$JLCTL_SOCKET" http://jlinkd/metrics | grep -qxF 'jlinkd_media_server_up{server="zlm-1",state="ok"} 1'
  jlctl media server list --provider srs -o name | grep -qx media-server/srs-1
}

@test "secrets are sealed: they are in no document, no log, no address" {
  jlctl media server show zlm-1 -o json | jq -e '.data.spec.configuration.secret | startswith("sealed:")'
  jlctl export -o yaml >"$home/export.yaml"
  run grep -rlE 'canary-(zlm|srs)-secret' "$home/export.yaml" "$daemon_log" "$home/state" "$home/zlm.out" "$home/srs.out"
  [[ $status -ne 0 && -z $output ]]
  grep -q '^POST /index/api/getServerConfig right' "$home/zlm.out"
}

@test "test: well, wrong secret, refused address, nobody there, somebody else, and busy are six different answers" {
  run --separate-stderr jlctl media server test zlm-1 -o json
  assert_success
  jq -e '.data | .id == "zlm-1" and .result == "ok" and .version == "stand-in" and .ports.http == 8088' <<<"$output"

  jlctl media server add zlm-2 --provider zlmediakit --api-host 127.0.0.1 --api-port "$zlm_port" --rtp-ip 127.0.0.1 --secret-file "$home/wrong.txt" --disabled 2>"$home/warned"
  grep -q 'is the same server as "zlm-1"' "$home/warned"
  run --separate-stderr jlctl media server test zlm-2
  assert_error 10 job_failed
  [[ $stderr == *"refuses the secret"* && $stderr == *"jlctl media server edit zlm-2 --secret-file"* ]]
  run --separate-stderr jlctl media server test zlm-2 -o json
  jq -e '.error | .result == "auth_failed" and .exitCode == 10 and .object == "media-server/zlm-2"' <<<"$stderr"

  zlm_says blocked
  run --separate-stderr jlctl media server test zlm-1 -o json
  [[ $status -eq 10 ]]
  jq -e '.error | .result == "ip_not_allowed" and (.hint | contains("allow_ip_range"))' <<<"$stderr"
  zlm_says busy
  run --separate-stderr jlctl media server test zlm-1 -o json
  [[ $status -eq 10 ]]
  jq -e '.error | .result == "degraded" and (.message | contains("busy 99 %"))' <<<"$stderr"
  zlm_says garbage
  run --separate-stderr jlctl media server test zlm-1 -o json
  [[ $status -eq 1 ]]
  jq -e '.error | .result == "unreachable" and (.message | contains("no JSON"))' <<<"$stderr"
  zlm_says ok

  jlctl media server add nobody --provider srs --api-host 127.0.0.1 --api-port "$(free_port)" --rtp-ip 127.0.0.1 --disabled
  run --separate-stderr jlctl media server test nobody
  assert_error 1 network
  run --separate-stderr jlctl media server test srs-9
  assert_error 3 not_found
  jlctl media server edit srs-1 --secret-file "$home/wrong.txt"
  run --separate-stderr jlctl media server test srs-1 -o json
  jq -e '.error.result == "auth_failed"' <<<"$stderr"
  until_true 20 has_state srs-1 auth_failed
  jlctl media server edit srs-1 --secret-file "$home/srs.txt"
  until_true 20 has_state srs-1 ok
}

@test "an enabled server is not deleted; a disabled one is not asked" {
  run --separate-stderr jlctl media server delete zlm-1 --yes
  [[ $status -ne 0 && $stderr == *"error[enabled]"* ]]
  jlctl media server disable zlm-1
  has_state zlm-1 stopped
  run --separate-stderr jlctl media server test zlm-1
  assert_success
  jlctl media server delete zlm-1 --yes
  run --separate-stderr jlctl media server show zlm-1
  assert_error 3 not_found
}

@test "what cannot be is refused with the field's name" {
  run --separate-stderr jlctl media server add bad --provider wowza --api-host h --api-port 80 --rtp-ip h
  [[ $status -ne 0 && $stderr == *provider* ]]
  run --separate-stderr jlctl media server add bad --provider srs --api-host h --api-port 80
  [[ $status -ne 0 && $stderr == *rtp-ip* || $stderr == *rtpIp* ]]
  run --separate-stderr jlctl media server add bad --provider srs --api-host http://h:80 --api-port 80 --rtp-ip h
  [[ $status -eq 5 && $stderr == *apiHost* ]]
  run --separate-stderr jlctl media server add bad --provider srs --api-host h --api-port 80 --rtp-ip h --dynamic-rtp-port --dynamic-rtp-port-range 31000 --dynamic-rtp-port-range 30000
  [[ $status -eq 5 && $stderr == *"begins at 31000"* ]]
}

@test "servers come back with the daemon, kill -9 or not" {
  stop_daemon KILL
  start_daemon
  until_true 20 has_state srs-1 ok
}
