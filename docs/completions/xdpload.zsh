#compdef xdpload
# zsh completion for xdpload. Nothing that was typed is evaluated.

_xdpload() {
    local line word directive=
    local -a candidates displays typed
    typed=("${(@Q)words[2,CURRENT-1]}")
    (( CURRENT > 2 )) || typed=()
    while IFS= read -r line; do
        if [[ $line != *$'\t'* ]]; then
            directive=${line#:}
            continue
        fi
        word=${line%%$'\t'*}
        candidates+=("$word")
        displays+=("$word  -- ${line#*$'\t'}")
    done < <("${(Q)words[1]}" __complete "${typed[@]}" "${(Q)PREFIX}" 2>/dev/null)
    (( $#candidates )) && compadd -l -d displays -a candidates
    case $directive in
    file) _files ;;
    directory) _files -/ ;;
    esac
}

if [[ $funcstack[1] == _xdpload ]]; then
    _xdpload "$@"
else
    compdef _xdpload xdpload
fi
