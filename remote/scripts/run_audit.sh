# Write the line that says that an operator's command begins, or how it ended: into the audit log of AS_HOME if this
# account may write there, and into the system log if there is one.
# Values: HOME_DIR, AUDIT
[ ! -w "$own" ] || say "$AUDIT" 2> /dev/null >> "$own/audit.log"
(logger -t carbon-provision -- "$AUDIT" > /dev/null 2>&1 &)
