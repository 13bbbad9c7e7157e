# Write one audit line where the login itself may write: the load balancer has no AS_HOME. AUDIT
own=$HOME/.provision
mkdir -p "$own" || fail 1 "cannot write in $HOME"
step audit
printf '%s\n' "$AUDIT" >> "$own/audit.log" || fail 1 "cannot write the audit line"
