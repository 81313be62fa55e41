# bash completion for xdpload. Nothing that was typed is evaluated.

# __xdpload_split sets words to the words of the line up to the cursor, without
# their quotes; readline's own words are split at colons.
__xdpload_split() {
    local line=${COMP_LINE:0:COMP_POINT} word= quote= open= c i
    words=()
    for ((i = 0; i < ${#line}; i++)); do
        c=${line:i:1}
        if [[ $quote == "'" && $c != "'" ]]; then
            word+=$c
        elif [[ $c == "\\" ]]; then
            ((i++))
            word+=${line:i:1} open=1
        elif [[ -n $quote && $c == "$quote" ]]; then
            quote=
        elif [[ -n $quote ]]; then
            word+=$c
        elif [[ $c == [\"\'] ]]; then
            quote=$c open=1
        elif [[ $c == [[:blank:]] ]]; then
            [[ -n $open ]] && words+=("$word")
            word= open=
        else
            word+=$c open=1
        fi
    done
    words+=("$word")
    typed_quote=$quote
}

_xdpload() {
    local words typed_quote line candidate directive= current part= c i
    COMPREPLY=()
    __xdpload_split
    current=${words[-1]}
    # Readline replaces only what follows its last word break.
    if [[ -z $typed_quote && $current == *[:=]* ]]; then
        for ((i = 0; i < ${#current}; i++)); do
            c=${current:i:1}
            if [[ $c == [:=] && $COMP_WORDBREAKS == *"$c"* ]]; then
                part=${current:0:i+1}
            fi
        done
    fi
    while IFS= read -r line; do
        if [[ $line == :* && $line != *$'\t'* ]]; then
            directive=${line#:}
            continue
        fi
        candidate=${line%%$'\t'*}
        candidate=${candidate#"$part"}
        [[ -z $typed_quote ]] && printf -v candidate %q "$candidate"
        COMPREPLY+=("$candidate")
    done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
    case $directive in
    file) compopt -o bashdefault -o default ;;
    directory) compopt -o dirnames ;;
    esac
}

complete -F _xdpload xdpload
