#!/usr/bin/env bats
# Man pages, completion, generated files, and the commands that the README shows.
load helpers.bash

setup_file() {
  make_home
  start_daemon
  provision dev-1 dev-2
}
teardown_file() { remove_home; }
teardown() { show_log; }

@test "every man page renders without a warning" {
  for page in "$JL_SOURCE"/man/*.[158]; do
    run --separate-stderr env MANWIDTH=100 man --warnings -l "$page"
    [[ $status -eq 0 && -z $stderr && -n $output ]] || { echo "$page: $stderr"; return 1; }
  done
}

@test "every verb of the command tree stands in a man page" {
  cat "$JL_SOURCE"/man/jlctl*.1 | sed 's/\\-/-/g; s/\\&//g' >"$home/pages"
  jlctl help --json | jq -r '.data.commands[]? | [.noun, .verb] | map(select(. != null and . != "")) | join(" ")' >"$home/verbs"
  [[ -s $home/verbs ]]
  while read -r verb; do
    grep -qF -- "$verb" "$home/pages" || { echo "not in man: $verb"; return 1; }
  done <"$home/verbs"
}

@test "jlinkd.yaml(5) names every key of the default configuration" {
  page=$(man -l "$JL_SOURCE/man/jlinkd.yaml.5" | col -b)
  while read -r key; do
    [[ $page == *"$key"* ]] || { echo "$key"; return 1; }
  done < <(sed -n 's/^#* *\([a-zA-Z]*\):.*/\1/p' "$JL_SOURCE/daemon/packaging/jlinkd.yaml")
}

# Completes a command line in bash as a user would: complete WORD...
complete_words() {
  bash -c '
    source "$1"; shift
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=()
    handler=$(complete -p jlctl | sed -n "s/.*-F \([^ ]*\) .*/\1/p")
    "$handler" jlctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf "%s\n" "${COMPREPLY[@]}"
  ' bash <(jlctl completion bash) "$@" 2>&1
}

@test "bash completion knows nouns, verbs, flags, words and live ids" {
  [[ $(complete_words jlctl netw) == network* ]]
  [[ $(complete_words jlctl network li) == list* ]]
  [[ $(complete_words jlctl network add x --ty) == --type* ]]
  run complete_words jlctl device show de
  [[ $output == *dev-1* && $output == *dev-2* ]]
}

@test "completion without a daemon is silent and quick" {
  export JLCTL_SOCKET=$home/none.sock
  started=$(date +%s%3N)
  run complete_words jlctl device show de
  [[ -z ${output//[[:space:]]/} ]]
  [[ $(($(date +%s%3N) - started)) -lt 2000 ]]
}

@test "every jlctl command in the README is one that jlctl knows" {
  grep -oE '^\$ (sudo )?jlctl [^|>]*' "$JL_SOURCE/README.md" | sed -E 's/^\$ (sudo )?jlctl //' >"$home/commands"
  [[ $(wc -l <"$home/commands") -ge 5 ]]
  while read -r first second _; do
    run jlctl help "$first"
    [[ $status -eq 0 ]] || run jlctl help "$first" "$second"
    [[ $status -eq 0 ]] || { echo "jlctl $first $second"; return 1; }
  done <"$home/commands"
}
