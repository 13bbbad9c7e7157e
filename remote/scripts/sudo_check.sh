# Ask sudo whether the login may run these commands, and change nothing. Its list of what is allowed answers for
# all at once; if the list is not plain, sudo is asked for each.
# Values: COMMANDS
# Output: allowed
allowed=$(sudo -n -l 2> /dev/null < /dev/null)
allowed=${allowed#*may run the following commands}
case $allowed in *!*) allowed= ;; esac
eval "set -- $COMMANDS"
for command; do
    case $allowed in *"NOPASSWD: ALL$NEWLINE"* | *"NOPASSWD: ALL" | *"/$command"[,"$NEWLINE"]* | *"/$command") continue ;; esac
    eval "sudo -n -l $command" > /dev/null < /dev/null || fail 9 "not allowed: $command"
done
say allowed
