# Follow a log by name, so that rotation does not lose a line: from INODE and OFFSET if a file beside it still is
# that one, then the log from its beginning; from now on if none is given. Each line comes with its offset in all
# that was read, and each line of input is answered with the place where the log ends by then.
# Values: HOME_DIR, PATTERN, INODE, OFFSET
# Input: lines, each a question; its end ends the script
# Output: from INODE OFFSET, at INODE SIZE, then lines of the log as OFFSET:LINE
case $INODE$OFFSET in *[!0-9]*) fail 1 "not a place in a log: $INODE $OFFSET" ;; esac
find_carbon
find_log
[ -r "$log" ] || fail 1 "cannot read $log"
main=$$
exec 3<&0
{ # an answer that nobody takes must not end it before it has ended the rest
    trap '' PIPE
    while read -r _; do say "at $(stat -L -c '%i %s' "$log")"; done <&3
    kill "$main"
} 2> /dev/null &
answering=$!
exec 3<&- < /dev/null

size=$(stat -L -c '%i %s' "$log")
inode=${size% *}
size=${size#* }
rotated=
if [ -z "$INODE" ]; then OFFSET=$size
elif [ "$INODE" != "$inode" ]; then
    list_since "$INODE"
    since=$((OFFSET + 1))
    OFFSET=0
elif [ "$OFFSET" -gt "$size" ]; then OFFSET=0
fi
say "from $inode $OFFSET"
{
    while read -r number path; do
        if [ -n "$path" ] && [ "$number" != "$inode" ]; then
            tail -c "+$since" -- "$path"
            [ -z "$(tail -c 1 -- "$path")" ] || echo # a full disk cut its last line short
        fi
        since=1
    done << END
$rotated
END
    tail -c +$((OFFSET + 1)) -F -s 0.1 --pid=$$ "$log"
} 2> /dev/null | grep -aEb --line-buffered -e "$PATTERN"
# When tail or grep was killed, the end of the output says so: nobody may go on answering.
kill "$answering" 2> /dev/null
