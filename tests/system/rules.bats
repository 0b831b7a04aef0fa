#!/usr/bin/env bats
# Rules about the sources themselves, which no compiler checks.
load helpers.bash

sources() { (cd "$JL_SOURCE" && find common cli daemon tests -name '*.cpp' -o -name '*.hpp' | sort); }

# Prints where a pattern stands in the sources; fails when it does: nowhere PATTERN [files to leave out]
nowhere() {
  local found
  found=$(cd "$JL_SOURCE" && sources | grep -vE "${2:-^$}" | xargs grep -nE "$1") || return 0
  echo "$found"
  return 1
}

@test "every #include goes down the layers" {
  run "$JL_SOURCE/tests/arch/include_rules.py" --self-test
  [[ $status -eq 0 ]] || { echo "$output"; return 1; }
  run "$JL_SOURCE/tests/arch/include_rules.py"
  [[ $status -eq 0 ]] || { echo "$output"; return 1; }
}

@test "no temporary aggregate and no capturing lambda on a line with co_await (GCC 12 destroys them twice)" {
  run "$JL_SOURCE/tests/arch/coroutine_rules.py" --self-test
  [[ $status -eq 0 ]] || { echo "$output"; return 1; }
  run "$JL_SOURCE/tests/arch/coroutine_rules.py"
  [[ $status -eq 0 ]] || { echo "$output"; return 1; }
}

@test "unit and integration tests do not sleep" {
  nowhere '\b(sleep|usleep|sleep_for|sleep_until)[ (]' '^(common|cli|daemon|tests/bench)/'
}

@test "nothing is left to be done" {
  nowhere '\b(TODO|FIXME|XXX)\b|not implemented'
}

@test "every file of tests/unit mirrors a folder of the sources" {
  cd "$JL_SOURCE/tests/unit"
  while read -r folder; do
    [[ -d $JL_SOURCE/$folder ]] || { echo "$folder"; return 1; }
  done < <(find common daemon cli -type d)
}
