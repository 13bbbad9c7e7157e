# Follow a log by name, so that rotation does not lose a line: from INODE and OFFSET where the
# file is still that one, from its beginning where it is another, from now on where none is given.
# LOG PATTERN INODE OFFSET
end_with_client
[ -r "$LOG" ] || fail 1 "cannot read $LOG"
inode=$(stat -c %i "$LOG")
size=$(stat -c %s "$LOG")
if [ -z "$INODE" ]; then OFFSET=$size
elif [ "$INODE" != "$inode" ] || [ "$OFFSET" -gt "$size" ]; then OFFSET=0
fi
say "from $inode $OFFSET"
tail -c +$((OFFSET + 1)) -F --pid=$$ "$LOG" 2> /dev/null |
    grep -aE --line-buffered -e "$PATTERN"
