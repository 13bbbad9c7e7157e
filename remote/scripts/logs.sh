# Print the last lines of a log; then, with FOLLOW, what is written from now on, by name, so that rotation does
# not lose a line. A line MARK stands between the two.
# Values: LOG, LINES, GREP (may be empty), FOLLOW (yes, no), MARK
# Input: nothing; its end ends the script
# Output: expression COMPLAINT, unreadable REASON, or zone OFFSET and then lines of the log and MARK
end_with_client
if [ -n "$GREP" ]; then
    complaint=$(grep -aE -e "$GREP" < /dev/null 2>&1)
    [ $? -le 1 ] || { say "expression ${complaint#grep: }"; exit 0; }
fi
if [ ! -e "$LOG" ] && [ "$FOLLOW" = no ]; then say "unreadable there is no $LOG"; exit 0; fi
if [ -e "$LOG" ] && [ ! -r "$LOG" ]; then say "unreadable $(id -un) may not read $LOG"; exit 0; fi
say "zone $(date +%z)"

# last_lines: the end of what stdin holds; grep ends the last line if it has no end.
last_lines() {
    if [ -n "$GREP" ]; then grep -aE -e "$GREP" | tail -n "$LINES"; else tail -n "$LINES" | grep -a ''; fi
}

# chosen: what comes on stdin, line by line.
chosen() {
    if [ -n "$GREP" ]; then grep -aE --line-buffered -e "$GREP"; else cat; fi
}

size=$(stat -L -c %s "$LOG" 2> /dev/null) || size=0
# The last line may not have its end yet: it is shown as it is, or followed from its beginning.
if [ "$FOLLOW" = yes ] && [ "$size" -gt 0 ] && [ -n "$(tail -c "+$size" "$LOG" | head -c 1)" ]; then
    size=$((size - $(head -c "$size" "$LOG" | tail -n 1 | wc -c)))
fi
head -c "$size" "$LOG" 2> /dev/null | last_lines
say "$MARK"
[ "$FOLLOW" = yes ] || exit 0
tail -c +$((size + 1)) -F --pid=$$ "$LOG" 2> /dev/null | chosen
