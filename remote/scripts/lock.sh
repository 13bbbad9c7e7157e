# Hold the server's lock until the client goes. The link's text says who holds it, and is made
# in one step. LOCK TEXT(who from since) RUN BREAK(yes|no) CHANGING(names of scripts) WAIT_SECONDS
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
    step lock-cleared
    if [ "$(readlink "$aside")" = "$1" ]; then
        rm -f "$aside"
    else
        mv -n -T "$aside" "$LOCK"
    fi
}

unlock() {
    [ "$(readlink "$LOCK")" = "$text" ] || return 0
    step unlock
    rm -f "$LOCK"
}

# A script that changes something goes on to its end when its client is lost, and its lock is lost
# with the client. Whatever of an earlier run is still at work has to end first.
at_work() {
    for cmdline in $(grep -lsaE "provision:($CHANGING)" /proc/[0-9]*/cmdline); do
        if tr '\0' '\n' 2>/dev/null < "$cmdline" | grep -qxE "provision:($CHANGING)"; then
            cmdline=${cmdline#/proc/}
            say "${cmdline%/cmdline} $(tr '\0' '\n' 2>/dev/null < "/proc/$cmdline" | sed -n 's/^provision://p')"
        fi
    done 2>/dev/null
}

hold() {
    trap 'unlock; exit 0' TERM HUP INT
    tenths=0
    while others=$(at_work) && [ -n "$others" ]; do
        if [ $tenths -ge $((WAIT_SECONDS * 10)) ]; then
            say "busy $(printf '%s' "$others" | head -n 1)"
            unlock
            exit 0
        fi
        sleep 0.1
        tenths=$((tenths + 1))
    done
    for aside in "$LOCK".[0-9]*; do # left by a script that was killed while it cleared a lock
        if [ -L "$aside" ]; then step lock-tidy; rm -f "$aside"; fi
    done
    say held
    wait "$lifeline"
    unlock
    exit 0
}

for try in 1 2 3 4 5; do
    step lock
    if ln -s "$text" "$LOCK" 2>/dev/null; then hold; fi
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
