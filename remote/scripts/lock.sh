# Take the server's lock for the shell that runs this, which gives it back when it ends. The lock is a link in a
# directory that only the account can write. Its text says who holds it; it is created in one step. A shell ends with
# its connection, but only once its script has ended: if CLIENT_PID is gone, the lock is of a lost run, which is
# waited for; else of a live run.
# Values: LOCK, TEXT (who from since), RUN, BREAK (yes, no), CHANGING (names of scripts), WAIT_SECONDS,
# Values: AUDIT (a line that says that a run begins; may be empty)
# Also: CLIENT_PID, SHELL_PID (set by the line of shell that runs this script)
# Output: broken TEXT, dead TEXT, then last: held RUN, shared RUN, taken TEXT, busy PID SCRIPT, stuck TEXT
find_lock "$LOCK" || {
    step lock-directory
    mkdir -m 700 "${lock%/*}" 2> /dev/null
    find_lock "$LOCK" || { say "stuck ${lock%/*} is not a directory of this account"; exit 0; }
}
read_ticks "$CLIENT_PID" || { CLIENT_PID=$SHELL_PID && read_ticks "$SHELL_PID"; } # if the processes of others are hidden
client=$CLIENT_PID.$ticks
read_ticks "$SHELL_PID"
text="$TEXT run=$RUN client=$client pid=$SHELL_PID ticks=$ticks"

# clear PATH TEXT: remove a lock that still says TEXT. Only who holds the claim on it may: a lock
# beside it whose name comes from TEXT. So of two runs that find the same dead lock, none takes away the new lock of
# the other, and a claim whose script was killed is a dead lock in its turn.
clear() (
    claim=$1.$(printf '%s' "$2" | cksum | tr ' ' -)
    tries=0
    read_ticks $$
    step lock-claim
    until ln -s -T "$TEXT run=$RUN pid=$$ ticks=$ticks" "$claim" 2>/dev/null; do
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

# tell_lock WORD TEXT: the text of a lock, as one line.
tell_lock() {
    flatten "$2"
    say "$1 $flat"
}

unlock() {
    [ "$(readlink "$lock")" = "$text" ] || return 0
    step unlock
    rm -f "$lock"
}

# A script that changes something goes on to its end when its client is lost, even if it does not run in the shell
# that holds the lock. Whatever of an earlier run is still at work has to end first. It runs as this account, or
# as the login; what others call their processes is nothing to us.
at_work() {
    for cmdline in $(grep -lsaE "provision:($CHANGING)" /proc/[0-9]*/cmdline); do
        case $(stat -c %u "${cmdline%/cmdline}") in "$uid" | "$(stat -c %u "/proc/$CLIENT_PID")") ;; *) continue ;; esac
        if tr '\0' '\n' 2>/dev/null < "$cmdline" | grep -qxE "provision:($CHANGING)"; then
            cmdline=${cmdline#/proc/}
            say "${cmdline%/cmdline} $(tr '\0' '\n' 2>/dev/null < "/proc/$cmdline" | sed -n 's/^provision://p')"
        fi
    done 2>/dev/null
}

tenths=0
# wait_a_while: fails after WAIT_SECONDS in all.
wait_a_while() {
    [ $tenths -lt $((WAIT_SECONDS * 10)) ] || return 1
    sleep 0.1
    tenths=$((tenths + 1))
}

# outlast TEXT: wait until a lock that says TEXT is given back, or dead.
outlast() {
    while holder_lives "$1" && [ "$(readlink "$lock")" = "$1" ]; do
        if ! wait_a_while; then
            others=$(at_work | head -n 1)
            held=${1##* pid=}
            say "busy ${others:-${held%% *} shell}"
            exit 0
        fi
    done
}

# end_others SIGNAL: the scripts of a run whose client is known to be dead (--break-lock): its end may never arrive.
end_others() {
    at_work | while read -r other _; do
        step "end $other"
        kill "-$1" "$other" 2> /dev/null
    done
}

# tell_audit: a run that is killed leaves this line in the system log; in AS_HOME nothing changes before its turn.
tell_audit() {
    [ -z "$AUDIT" ] || (logger -t carbon-provision -- "$AUDIT" > /dev/null 2>&1 &)
}

hold() {
    [ "$BREAK" = no ] || end_others TERM
    while others=$(at_work) && [ -n "$others" ]; do
        [ "$BREAK" = no ] || [ $tenths -ne 30 ] || end_others KILL
        if ! wait_a_while; then
            unlock
            say "busy $(printf '%s' "$others" | head -n 1)"
            exit 0
        fi
    done
    for claim in "$lock".[0-9]*; do # left by a script that was killed while it cleared a lock
        [ -L "$claim" ] && held=$(readlink "$claim") && ! holder_lives "$held" && clear "$claim" "$held"
    done
    tell_audit
    say "held $RUN"
    exit 0
}

# is_lost TEXT: is the client of the holder of this lock gone?
is_lost() {
    case $1 in *" client="*.*" pid="*) ;; *) return 1 ;; esac
    set -- "${1##* client=}"
    set -- "${1%% *}"
    ! alive "${1%%.*}" "${1#*.}"
}

for try in 1 2 3 4 5; do
    step lock
    if ln -s -T "$text" "$lock" 2>/dev/null; then hold; fi
    held=$(readlink "$lock") || { [ -e "$lock" ] && break; continue; }
    case $held in *" run=$RUN "*) say "shared $RUN"; exit 0 ;; esac
    if [ "$BREAK" = yes ]; then
        tell_lock broken "$held"
        clear "$lock" "$held" || { tell_lock stuck "$held"; exit 0; }
    elif ! holder_lives "$held"; then
        tell_lock dead "$held"
        clear "$lock" "$held" || { tell_lock stuck "$held"; exit 0; }
    elif is_lost "$held"; then
        outlast "$held"
    else
        tell_lock taken "$held"
        exit 0
    fi
done
tell_lock stuck "$(readlink "$lock" || echo "$lock is not a lock")"
