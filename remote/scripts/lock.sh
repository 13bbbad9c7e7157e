# Hold the server's lock until the client goes. The link's text says who holds it, and is made
# in one step. LOCK TEXT(who from since) RUN BREAK(yes|no)
end_with_client
text="$TEXT run=$RUN pid=$$ ticks=$(start_ticks $$)"

holder_lives() {
    pid=$(printf '%s' "$1" | sed -n 's/.* pid=\([0-9]*\) .*/\1/p')
    ticks=$(printf '%s' "$1" | sed -n 's/.* ticks=\([0-9]*\)$/\1/p')
    [ -n "$pid" ] && alive "$pid" "$ticks"
}

# Two runs that find the same dead lock must not both clear it: a rename has one winner.
clear_dead() {
    aside=$LOCK.$$
    step lock-clear
    mv -T "$LOCK" "$aside" 2>/dev/null || return 1
    if [ "$(readlink "$aside")" = "$1" ]; then
        rm -f "$aside"
    else
        mv -n -T "$aside" "$LOCK"
    fi
}

for try in 1 2 3 4 5; do
    step lock
    if ln -s "$text" "$LOCK" 2>/dev/null; then
        trap '[ "$(readlink "$LOCK")" = "$text" ] && rm -f "$LOCK"; exit 0' TERM HUP INT
        say held
        wait "$lifeline"
        [ "$(readlink "$LOCK")" = "$text" ] && rm -f "$LOCK"
        exit 0
    fi
    held=$(readlink "$LOCK") || { [ -e "$LOCK" ] && break; continue; }
    case $held in *" run=$RUN "*) say shared; wait "$lifeline"; exit 0 ;; esac
    if [ "$BREAK" = yes ]; then
        say "broken $held"
        clear_dead "$held"
    elif holder_lives "$held"; then
        say "taken $held"
        exit 0
    else
        say "dead $held"
        clear_dead "$held" || { say "stuck $held"; exit 0; }
    fi
done
say "stuck $(readlink "$LOCK" || echo "$LOCK is not a lock")"
