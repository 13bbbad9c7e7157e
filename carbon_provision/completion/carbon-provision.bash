# bash completion for carbon-provision; written by `carbon-provision completion`.
_carbon_provision() {
    local line
    COMPREPLY=()
    while IFS=$'\t' read -r line _; do
        COMPREPLY+=("$line")
    done < <("$1" --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    # A path is completed where nothing else fits, as after --inventory.
    [ "${#COMPREPLY[@]}" -gt 0 ] || compopt -o default
}
complete -F _carbon_provision carbon-provision
