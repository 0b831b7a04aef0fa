#include "cli/completion_scripts.hpp"

namespace jl::cli {
namespace {

constexpr std::string_view kBash = R"sh(# bash completion for jlctl; made by "jlctl completion bash"
_jlctl() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$(printf '%q' "${line%%$'\t'*}")")
  done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -o default -F _jlctl jlctl
)sh";

constexpr std::string_view kZsh = R"sh(#compdef jlctl
# zsh completion for jlctl; made by "jlctl completion zsh"
_jlctl() {
  local line
  local -a plain described
  while IFS= read -r line; do
    if [[ $line == *$'\t'* ]]; then
      described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    else
      plain+=("$line")
    fi
  done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( ${#plain} + ${#described} == 0 )); then
    _files
    return
  fi
  (( ${#described} )) && _describe -t commands jlctl described
  (( ${#plain} )) && compadd -- "${plain[@]}"
}
if [[ $funcstack[1] == _jlctl ]]; then
  _jlctl "$@"
else
  compdef _jlctl jlctl
fi
)sh";

constexpr std::string_view kFish = R"sh(# fish completion for jlctl; made by "jlctl completion fish"
function __jlctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete $words[2..-1] "$current" 2>/dev/null
end
# Where jlctl knows nothing, fish offers files.
complete -c jlctl -n 'count (__jlctl_complete) >/dev/null' -f -a '(__jlctl_complete)'
)sh";

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return std::string(kBash);
  if (shell == "zsh") return std::string(kZsh);
  if (shell == "fish") return std::string(kFish);
  return {};
}

}  // namespace jl::cli
