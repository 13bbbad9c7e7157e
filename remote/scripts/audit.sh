# Write the line that says that the turn of this server begins: a run that is killed leaves it. Where nothing of this
# tool is yet, no log exists.
# Values: HOME_DIR, AUDIT
[ -d "$own" ] || exit 0
step audit-begin
say "$AUDIT" >> "$own/audit.log" || fail 1 "cannot write the audit line"
