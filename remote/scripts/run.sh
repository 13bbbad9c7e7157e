# Become a command, in the account's own shell, as `ssh HOST COMMAND` does. It ends with its client, and so does
# all that it started, unless it has ended before.
# Values: COMMAND
# Input: nothing; its end ends the script
# Output: the command's
main=$$
ticks=$(start_ticks $$)
group=$(sed 's/.*) //' "/proc/$$/stat" | cut -d ' ' -f 3)
exec 3<&0
{ cat <&3; if alive "$main" "$ticks"; then kill -TERM "-$group"; fi; } > /dev/null 2>&1 &
umask "$GIVEN_UMASK"
if [ -n "$GIVEN_LC_ALL" ]; then LC_ALL=$GIVEN_LC_ALL; else unset LC_ALL; fi
exec 3<&- < /dev/null
exec "${SHELL:-/bin/sh}" -c "$COMMAND"
