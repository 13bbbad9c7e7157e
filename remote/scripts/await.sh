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

following=
[ ! -f "$log" ] || follow_own
read -r _ || exit 0
