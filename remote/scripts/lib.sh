# Shared by every script: POSIX sh, coreutils, grep, sed, awk and /proc only.
# Output lines are `word rest`; complaints go to stderr; exit 0 is success, see `fail`.
set -u
unset TMOUT # bash would end every wait for a line after it
NEWLINE='
'
GIVEN_LC_ALL=${LC_ALL-}
case $0 in *:start | *:run) GIVEN_UMASK=$(umask) ;; esac # costs a process
TAB='	'
LC_ALL=C
export LC_ALL
umask 077
own=${HOME_DIR-}/.provision

say() { printf '%s\n' "$*"; }

# fail STATUS SENTENCE: 1 failed, 7 the server changed since it was looked at, 8 not allowed now,
# 9 sudo does not allow it.
fail() {
    status=$1
    shift
    printf '%s\n' "$*" >&2
    exit "$status"
}

# Every step that changes something says so first; the fault tests count and cut here.
step() { :; }

flush() { sync "$@" 2>/dev/null || sync; }

# remove_tree PATH: also where directories in it are read-only.
remove_tree() { rm -rf "$1" 2>/dev/null || { chmod -R u+rwX "$1" 2>/dev/null && rm -rf "$1" 2>/dev/null; }; }

# is_filled DIR: does it hold anything?
is_filled() {
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        if [ -e "$entry" ] || [ -L "$entry" ]; then return 0; fi
    done
    return 1
}

# holds FILE DIGEST: is its sha256 this one?
holds() {
    set -- "$2" $(sha256sum < "$1")
    [ "$1" = "${2-}" ]
} 2> /dev/null

# read_ticks PID: into `ticks`, when it started, in ticks since boot; fails where it is gone. One that has
# ended is gone, also where nobody has asked for its status yet: dash does not while it reads. It has not
# while one of its threads lives: a JVM still holds its ports then.
read_ticks() {
    { read -r status_line < "/proc/$1/stat"; } 2>/dev/null || return 1
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

# alive PID TICKS: does the process run that started then? Whose it is now is in `ticks`.
alive() { read_ticks "$1" && [ "$ticks" = "$2" ]; }

# read_record PREFIX: into `lines`, each behind PREFIX, what the last start put down and what was verified of it;
# into `of` the pid and the ticks of its process, into `after` those that it began after, and into `unended`
# what a full disk cut off: a line counts only with its end.
read_record() {
    lines= of= after= unended=
    [ -f "$own/record" ] && [ -r "$own/record" ] || return 0
    while IFS= read -r unended; do
        lines=$lines$1$unended$NEWLINE
        case $unended in
            after=*) after=${unended#after=} ;;
            pid=*) of=${unended#pid=} ;;
            ticks=*) of="$of ${unended#ticks=}" ;;
        esac
    done < "$own/record"
}

# holder_lives TEXT: does the process still run that made a lock of this text?
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
