# Ask sudo whether the login may run these commands, and change nothing. COMMANDS
eval "set -- $COMMANDS"
for command; do
    eval "sudo -n -l $command" > /dev/null || fail 1 "sudo: refused: $command"
done
say allowed
