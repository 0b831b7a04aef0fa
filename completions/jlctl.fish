# fish completion for jlctl; made by "jlctl completion fish"
function __jlctl_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c jlctl -a '(__jlctl_complete)'
