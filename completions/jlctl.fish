# fish completion for jlctl; made by "jlctl completion fish"
function __jlctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete $words[2..-1] "$current" 2>/dev/null
end
# Where jlctl knows nothing, fish offers files.
complete -c jlctl -n 'count (__jlctl_complete) >/dev/null' -f -a '(__jlctl_complete)'
