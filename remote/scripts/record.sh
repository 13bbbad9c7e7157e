# Write down what was verified, and one audit line. HOME_DIR RECORD AUDIT
own=$(state)
mkdir -p "$own" || fail 1 "cannot write in $HOME_DIR"
if [ -n "$RECORD" ]; then
    step record
    { [ -f "$own/record" ] && grep -E '^(pid|ticks|run|own_log|manager_log|elb_log)=' "$own/record"; printf '%s\n' "$RECORD"; } > "$own/record.new" &&
        mv -f "$own/record.new" "$own/record" || fail 1 "cannot write the record"
    rm -f "$own/first-start"
fi
step audit
printf '%s\n' "$AUDIT" >> "$own/audit.log" || fail 1 "cannot write the audit line"
say recorded
