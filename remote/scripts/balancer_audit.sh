# Write one audit line in the login's home: the load balancer has no AS_HOME.
# Values: AUDIT (the line)
own=$HOME/.provision
mkdir -p "$own" || fail 1 "cannot write in $HOME"
step audit
printf '%s\n' "$AUDIT" >> "$own/audit.log" || fail 1 "cannot write the audit line"
