# Take the server's lock for the shell that runs this, which gives it back when it ends. The link's text says
# who holds it, and is made in one step. It lives as long as the process CLIENT_PID, which ends with the
# connection: what its shell is still at then is waited for by who takes the lock next.
# LOCK TEXT(who from since) RUN BREAK(yes|no) CHANGING(names of scripts) WAIT_SECONDS CLIENT_PID SHELL_PID
read_ticks "$CLIENT_PID" || { CLIENT_PID=$SHELL_PID && read_ticks "$SHELL_PID"; }
text="$TEXT run=$RUN shell=$SHELL_PID pid=$CLIENT_PID ticks=$ticks"

# clear PATH TEXT: take away a lock that still says TEXT. Only who holds the claim on it may: a lock
# beside it whose name is made of TEXT. So two runs that find the same dead lock never take away
# the one's new lock for the old, and a claim whose holder was killed is a dead lock in its turn.
clear() (
    claim=$1.$(printf '%s' "$2" | cksum | tr ' ' -)
    tries=0
    step lock-claim
    until ln -s -T "$text" "$claim" 2>/dev/null; do
        [ $((tries += 1)) -le 100 ] || exit 1
        other=$(readlink "$claim") || continue
        if holder_lives "$other"; then sleep 0.02; else clear "$claim" "$other" || exit 1; fi
    done
    step lock-clear
    if [ "$(readlink "$1")" = "$2" ]; then rm -f "$1" 2>/dev/null; fi
    cleared=$?
    step lock-cleared
    rm -f "$claim"
    exit $cleared
)

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
    for claim in "$LOCK".[0-9]*; do # left by a script that was killed while it cleared a lock
        [ -L "$claim" ] && held=$(readlink "$claim") && ! holder_lives "$held" && clear "$claim" "$held"
    done
    say held
    exit 0
}

for try in 1 2 3 4 5; do
    step lock
    if ln -s -T "$text" "$LOCK" 2>/dev/null; then hold; fi
    held=$(readlink "$LOCK") || { [ -e "$LOCK" ] && break; continue; }
    case $held in *" run=$RUN "*) say shared; exit 0 ;; esac
    if [ "$BREAK" = yes ]; then
        say "broken $held"
        clear "$LOCK" "$held" || { say "stuck $held"; exit 0; }
    elif holder_lives "$held"; then
        say "taken $held"
        exit 0
    else
        say "dead $held"
        clear "$LOCK" "$held" || { say "stuck $held"; exit 0; }
    fi
done
say "stuck $(readlink "$LOCK" || echo "$LOCK is not a lock")"
