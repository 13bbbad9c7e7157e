# Shared by every script: POSIX sh, coreutils, grep, sed, awk and /proc only.
# Output lines are `word rest`; complaints go to stderr; exit 0 is success, see `fail`.
set -u
GIVEN_LC_ALL=${LC_ALL-}
GIVEN_UMASK=$(umask)
LC_ALL=C
export LC_ALL
umask 077

say() { printf '%s\n' "$*"; }

# fail STATUS SENTENCE: 1 failed, 7 the server changed since it was looked at, 8 not allowed now.
fail() {
    status=$1
    shift
    printf '%s\n' "$*" >&2
    exit "$status"
}

# Every step that changes something says so first; the fault tests count and cut here.
step() { :; }

flush() { sync "$@" 2>/dev/null || sync; }

digest() { sha256sum < "$1" | cut -d ' ' -f 1; }

start_ticks() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# is_carbon PID: is this process the server of HOME_DIR?
is_carbon() {
    words=$(tr '\0' '\n' < "/proc/$1/cmdline" 2>/dev/null) || return 1
    printf '%s\n' "$words" | grep -qxF 'org.wso2.carbon.bootstrap.Bootstrap' || return 1
    printf '%s\n' "$words" |
        grep -qxF -e "-Dcarbon.home=$HOME_DIR" -e "-Dcarbon.home=${HOME_REAL:-$HOME_DIR}"
}

# carbon_pid: the pid of the server of HOME_DIR. The pid file is digits, a newline and NULs, it
# outlives its process, and its number may belong to a stranger by now.
carbon_pid() {
    pid=$(tr -cd '0-9\n' < "$HOME_DIR/wso2carbon.pid" 2>/dev/null | head -n 1)
    if [ -n "$pid" ] && is_carbon "$pid"; then
        say "$pid"
        return 0
    fi
    for entry in $(grep -lsaF 'org.wso2.carbon.bootstrap.Bootstrap' /proc/[0-9]*/cmdline); do
        pid=${entry#/proc/}
        pid=${pid%/cmdline}
        if is_carbon "$pid"; then
            say "$pid"
            return 0
        fi
    done
    return 1
}

alive() { [ -d "/proc/$1" ] && [ "$(start_ticks "$1")" = "$2" ]; }

# A script that goes on running ends when its client goes: its stdin is the lifeline.
end_with_client() {
    main=$$
    exec 3<&0
    { cat <&3; kill "$main"; } > /dev/null 2>&1 &
    lifeline=$!
    exec 3<&- < /dev/null
}

state() { say "$HOME_DIR/.provision"; }
