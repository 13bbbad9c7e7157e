# Print /etc/hosts.
# Output: the file
cat /etc/hosts || fail 1 "cannot read /etc/hosts"
