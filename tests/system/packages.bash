# Loaded after helpers.bash and transports.bash by the tests of protocol packages.
# shellcheck disable=SC2154  # $home and $JL_SOURCE are set by helpers.bash

protocols=$JL_SOURCE/examples/protocols
meter=202600000017
export PYTHONDONTWRITEBYTECODE=1

# Packs an example's package and applies its manifest on a free port, which becomes $NAME_port: provision_package NAME
provision_package() {
  local port variable=${1//-/_}_port
  port=$(free_port)
  export "$variable=$port"
  jlctl protocol pack "$protocols/$1" -f "$home/$1.zip"
  sed -E "s/port: [0-9]+/port: $port/" "$protocols/$1.yaml" >"$home/$1.yaml"
  jlctl apply -f "$home/$1.yaml"
}

# Runs a device in the background that obeys lines written to it (tell), until the test ends: attach NAME COMMAND...
attach() {
  local input name=$1
  shift
  rm -f "$home/lines-$name"
  mkfifo "$home/lines-$name"
  # shellcheck disable=SC2034  # stays open, so that the device never reads to the end
  exec {input}<>"$home/lines-$name"
  "$@" <"$home/lines-$name" >"$home/words-$name" 2>&1 3>&- &
  devices+=($!)
}
tell() { echo "$2" >"$home/lines-$1"; }

# A meter that has logged in: attach_meter NAME [ADDRESS]
attach_meter() {
  attach "$1" "$protocols/meter.py" "$meter_port" "${2:-$meter}" s3cret
  hears "$1" "login 0"
}

# A frame of the meter in hex; ARGUMENTS as Python: meter_frame 'report("202600000017")'
meter_frame() { PYTHONPATH=$protocols /usr/bin/python3 -c "from meter import *; print(($1).hex())"; }

# Waits for a value of a device: has_value DEVICE PROPERTY VALUE
value_is() { [[ $(jlctl device state "$1" -o value="properties.$2.value" 2>/dev/null) == "$3" ]]; }
has_value() { until_true 20 value_is "$@"; }

status_of() { jlctl protocol show "$1" -o value="status.$2" 2>/dev/null; }
status_differs() { [[ $(status_of "$1" "$2") != "$3" ]]; }
session_of() { jlctl device show "$1" -o json | jq -e 'select(.data.status.state == "online") | .data.status.since'; }
