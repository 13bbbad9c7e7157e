# Print the last lines of a log; then, with FOLLOW, what is written from now on, by name, so that rotation does
# not lose a line. A line MARK stands between the two.
# Values: HOME_DIR, LINES, GREP (may be empty), FOLLOW (yes, no), MARK
# Input: nothing; its end ends the script
# Output: expression COMPLAINT, unreadable REASON, or last LINE, zone OFFSET WRITTEN_AT and then lines of
# the log and MARK
end_with_client
find_carbon
find_log
if [ -n "$GREP" ]; then
    complaint=$(grep -aE -e "$GREP" < /dev/null 2>&1)
    [ $? -le 1 ] || { say "expression ${complaint#grep: }"; exit 0; }
fi
if [ ! -e "$log" ] && [ "$FOLLOW" = no ]; then say "unreadable $log does not exist"; exit 0; fi
if [ -e "$log" ] && [ ! -r "$log" ]; then say "unreadable $(id -un) may not read $log"; exit 0; fi
say_last last
say "zone $(date +%z) $(stat -L -c %Y -- "$log" 2> /dev/null)"

# last_lines: the end of what stdin holds; grep ends the last line if it has no end.
last_lines() {
    if [ -n "$GREP" ]; then grep -aE -e "$GREP" | tail -n "$LINES"; else tail -n "$LINES" | grep -a ''; fi
}

# chosen: what comes on stdin, line by line.
chosen() {
    if [ -n "$GREP" ]; then grep -aE --line-buffered -e "$GREP"; else cat; fi
}

# follow_file SKIP: what is in the file of descriptor 4 beyond so many bytes, until the log is another file. By its
# name, tail would lose a file if it waits for its reader while the log is rotated twice.
follow_file() {
    inode=$(stat -L -c %i /proc/self/fd/4)
    while [ -d "/proc/$main" ] && { [ ! -e "$log" ] || [ "$log" -ef /proc/self/fd/4 ]; }; do
        sleep 0.2
    done > /dev/null 2>&1 &
    tail -c "+$(($1 + 1))" -f -s 0.1 --pid=$! -- /proc/self/fd/4
}

# follow_files SKIP: the log beyond so many bytes, and each file that it becomes.
follow_files() {
    path=$log skip=$1 inode=
    while [ -d "/proc/$main" ]; do
        follow_file "$skip" 4< "$path" || sleep 0.2 # the log may not be there yet
        list_since "$inode"
        skip=0 path=$log
        rotated=${rotated#*"$NEWLINE"}
        [ -z "$rotated" ] || { path=${rotated%%"$NEWLINE"*} && path=${path#* }; }
    done
} 2> /dev/null

size=$(stat -L -c %s "$log" 2> /dev/null) || size=0
# The last line may not have its end yet: it is shown as it is, or followed from its beginning.
if [ "$FOLLOW" = yes ] && [ "$size" -gt 0 ] && [ -n "$(tail -c "+$size" "$log" | head -c 1)" ]; then
    size=$((size - $(head -c "$size" "$log" | tail -n 1 | wc -c)))
fi
head -c "$size" "$log" 2> /dev/null | last_lines
say "$MARK"
[ "$FOLLOW" = yes ] || exit 0
follow_files "$size" | chosen
