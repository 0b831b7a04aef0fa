# What the examples share: a private daemon in a temporary folder, which goes when the example ends.
# Sourced by them, after they have changed to the project's folder. Sets home, JLCTL_SOCKET and PATH.
# shellcheck shell=bash

build=${JL_BUILD:-build/release}
[[ $build == /* ]] || build=$PWD/$build
export PATH=$build/bin:$PATH
example=$(basename "$0")
command -v jlinkd >/dev/null || { echo "$example: jlinkd is not built; examples/quickstart does that" >&2; exit 69; }

home=$(mktemp -d "${TMPDIR:-/tmp}/jlinkd-$example.XXXXXX")
export JLCTL_SOCKET=$home/control.sock
started=() # processes that end with the example, the daemon first

clean_up() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$home"
}
trap clean_up EXIT

say() { printf '\n==> %s\n' "$*"; }
show() { # runs a command as a reader would type it
  printf '$ %s\n' "$*"
  "$@"
}
fail() {
  echo "$example: $*" >&2
  tail -n 20 "$home/jlinkd.log" >&2
  exit 1
}
need() { # need PROGRAM PACKAGE
  PATH=$PATH:/usr/sbin command -v "$1" >/dev/null || { echo "$example: needs $1: apt-get install $2" >&2; exit 69; }
}

# A TCP port of the loopback that nobody listens on: free_port FROM
free_port() {
  local port=$1
  while (exec 4<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}

start_daemon() {
  cat >"$home/jlinkd.yaml" <<EOF
stateDir: $home/state
control: {socket: $JLCTL_SOCKET, group: "$(id -g)"}
EOF
  jlinkd --config "$home/jlinkd.yaml" >"$home/jlinkd.log" 2>&1 &
  started+=($!)
  jlctl daemon wait --wait-timeout 30s || fail "the daemon did not become ready"
}

# The user name and password that the official protocol wants of a device: credentials SECURE_ID SECURE_KEY
credentials() {
  local username
  username="$1|$(date +%s%3N)"
  printf '%s\n%s\n' "$username" "$(printf '%s|%s' "$username" "$2" | md5sum | cut -d ' ' -f 1)"
}
