# Print /etc/hosts.
cat /etc/hosts || fail 1 "cannot read /etc/hosts"
