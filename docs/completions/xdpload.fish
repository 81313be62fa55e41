# fish completion for xdpload. Nothing that was typed is evaluated.

function __xdpload_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct | string unescape)
    set -l program $typed[1]
    set -e typed[1]
    for line in ($program __complete $typed "$current" 2>/dev/null)
        switch $line
            case ':file'
                __fish_complete_path "$current"
            case ':directory'
                __fish_complete_directories "$current"
            case ':'
            case '*'
                printf '%s\n' $line
        end
    end
end

complete -c xdpload -f -a '(__xdpload_complete)'
