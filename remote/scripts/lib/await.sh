# Wait for the client's first line, before the swap (if there is one) and the start: this script travels early,
# so that a turn does not wait for its text. Until then it follows the log of the server that is down, and
# changes nothing.
# Values: HOME_DIR, PATTERN
# Input: a line that lets it go on
# Output: log:LINE (each line of the log that matches PATTERN)
# Sets: log, own_log (inode and size from which it is followed), following (pid).
log=$HOME_DIR/repository/logs/wso2carbon.log

# follow_file FILE OFFSET: say what is written to a log of the server from there on, as `log:LINE`.
follow_file() {
    tail -c "+$(($2 + 1))" -F -s 0.1 --pid=$$ -- "$1" 2> /dev/null |
        grep -aEH --label=log --line-buffered -e "$PATTERN" &
}

# follow_own: the log from its end on, which `own_log` names. Before the process begins: by the time it is
# seen, it may have joined.
follow_own() {
    own_log=$(stat -L -c '%i %s' "$log") || return 1
    follow_file "$log" "${own_log#* }"
    following=$!
}

# open_log: create the log if there is none, and follow it. tail looks for a file that is not there only now
# and then. A swap does this while the disk writes: the start need not wait for it.
open_log() {
    [ -z "$following" ] || return 0
    if [ ! -f "$log" ]; then
        step start-log
        [ -d "${log%/*}" ] || mkdir -p "${log%/*}" || return 1
        umask "$GIVEN_UMASK"
        printf '' > "$log"
        umask 077
        [ -f "$log" ] || return 1
    fi
    follow_own
}

following=
[ ! -f "$log" ] || follow_own
read -r _ || exit 0
