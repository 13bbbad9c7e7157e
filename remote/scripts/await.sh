# Wait to be told, before the start and the swap that may come before it: brought early, so that a turn
# does not wait for their text. HOME_DIR PATTERN
# Until then this follows the log of the server that is down, and changes nothing.
log=$HOME_DIR/repository/logs/wso2carbon.log

# follow_own: the log from where it ends, which `own_log` then tells with its inode. Before the process
# begins: by the time it is seen, it may have joined. Of a file that is not there, tail only looks
# now and then whether it has come.
follow_own() {
    own_log=$(stat -c '%i %s' "$log") || return 1
    tail -c +$((${own_log#* } + 1)) -F -s 0.1 --pid=$$ "$log" 2> /dev/null |
        grep -aEH --label=log --line-buffered -e "$PATTERN" & # as `log:LINE`
    following=$!
}

# open_log: make the log, where there is none, and follow it. A swap lets this be done while the disk
# writes: the start need not wait for it.
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
