# What every script knows of processes: which is the server of AS_HOME, and what the record says of it.
# Sets: pid, ticks, words, and what each function names.

# read_ticks PID: into `ticks`, when it started, in ticks since boot; fails if the process is gone. A process
# that has ended is gone even if nobody has asked for its status yet (dash does not while it reads); it is not
# gone while one of its threads lives: a JVM still holds its ports then.
read_ticks() {
    { read -r status_line < "/proc/$1/stat"; } 2>/dev/null || return 1
    # shellcheck disable=SC2086 # split on purpose
    set -- ${status_line##*) }
    case $1 in Z | X | x) [ "${18}" -gt 1 ] || return 1 ;; esac
    ticks=${20}
}

start_ticks() { read_ticks "$1" && say "$ticks"; }

# is_carbon PID: is this process the server of HOME_DIR? Its arguments are in `words` then.
is_carbon() {
    words=$NEWLINE$(tr '\0' '\n' 2>/dev/null < "/proc/$1/cmdline")$NEWLINE
    case $words in *"${NEWLINE}org.wso2.carbon.bootstrap.Bootstrap$NEWLINE"*) ;; *) return 1 ;; esac
    case $words in
        *"$NEWLINE-Dcarbon.home=$HOME_DIR$NEWLINE"*) ;;
        *"$NEWLINE-Dcarbon.home=${HOME_REAL:-$HOME_DIR}$NEWLINE"*) ;;
        *) return 1 ;;
    esac
}

# tell_cmdline: the arguments in `words`, a tab between them.
tell_cmdline() {
    set -f
    separators=$IFS
    IFS=$NEWLINE
    # shellcheck disable=SC2086 # split on purpose
    set -- ${words#"$NEWLINE"}
    IFS=$TAB
    say "cmdline $*"
    IFS=$separators
    set +f
}

# find_carbon: into `pid`, the server of HOME_DIR. The pid file is digits, a newline and NULs, it
# outlives its process, and its number may belong to a stranger by now.
find_carbon() {
    pid=
    { read -r pid < "$HOME_DIR/wso2carbon.pid"; } 2>/dev/null
    case $pid in *[!0-9]*) pid= ;; esac
    [ -z "$pid" ] || ! is_carbon "$pid" || return 0
    for entry in $(grep -lsaF -e "carbon.home=$HOME_DIR" -e "carbon.home=${HOME_REAL:-$HOME_DIR}" /proc/[0-9]*/cmdline); do
        [ -e "$entry" ] || continue # grep finds itself
        pid=${entry#/proc/}
        pid=${pid%/cmdline}
        is_carbon "$pid" && return 0
    done
    pid=
    return 1
}

carbon_pid() { find_carbon && say "$pid"; }

# alive PID TICKS: does the process run that started then? `ticks` says when the present owner of PID started.
alive() { read_ticks "$1" && [ "$ticks" = "$2" ]; }

# read_record PREFIX: into `lines`, each behind PREFIX, what the last start put down and what was verified of it;
# into `record_process` the pid and the ticks of its process, into `started_after` the ticks after which that
# process began, and into `unended` what a full disk cut off: a line counts only with its end.
read_record() {
    lines='' record_process='' started_after='' unended=''
    [ -f "$own/record" ] && [ -r "$own/record" ] || return 0
    while IFS= read -r unended; do
        lines=$lines$1$unended$NEWLINE
        case $unended in
            after=*) started_after=${unended#after=} ;;
            pid=*) record_process=${unended#pid=} ;;
            ticks=*) record_process="$record_process ${unended#ticks=}" ;;
        esac
    done < "$own/record"
}

# holder_lives TEXT: does the process still run that took the lock with this text?
holder_lives() {
    case $1 in *" pid="*" ticks="*) ;; *) return 1 ;; esac
    set -- "${1##* pid=}"
    [ -n "${1%% *}" ] && alive "${1%% *}" "${1##* ticks=}"
}

# A script that goes on running ends when its client goes: its stdin is the lifeline.
end_with_client() {
    main=$$
    exec 3<&0
    { while read -r _; do :; done <&3; kill "$main"; } > /dev/null 2>&1 &
    lifeline=$!
    exec 3<&- < /dev/null
}
