#compdef carbon-provision
# zsh completion for carbon-provision; written by `carbon-provision completion`.
_carbon_provision() {
    local -a answered described
    local line
    answered=("${(@f)$("${words[1]}" --complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in $answered; do
        [[ -n $line ]] && described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    if (( $#described )); then
        _describe -V 'carbon-provision' described
    else
        _files
    fi
}
if [[ ${funcstack[1]} == _carbon-provision ]]; then
    _carbon_provision "$@"
else
    compdef _carbon_provision carbon-provision
fi
