# Write one audit line, then down what was verified. HOME_DIR RECORD PID AUDIT
# What is in the record was told in the audit log, so that a run that finds it has nothing to add.
own=$(state)
[ -d "$HOME_DIR" ] || fail 1 "AS_HOME $HOME_DIR is gone"
step state
mkdir -p "$own" || fail 1 "cannot write in $HOME_DIR"
step audit
# A line that a full disk cut short ends here.
[ -z "$(tail -c 1 "$own/audit.log" 2> /dev/null)" ] || say >> "$own/audit.log" || fail 1 "cannot write the audit line"
printf '%s\n' "$AUDIT" >> "$own/audit.log" || fail 1 "cannot write the audit line"
if [ -n "$RECORD" ]; then
    step record
    since=$own/starting # of a start that was cut off before its process was seen
    if grep -qxF "pid=$PID" "$own/record" 2> /dev/null; then since=$own/record; fi
    {
        say "pid=$PID"
        say "ticks=$(start_ticks "$PID")"
        grep -E '^(run|own_log|manager_log|elb_log)=' "$since"
        printf '%s\n' "$RECORD"
    } > "$own/record.new" || fail 1 "cannot write the record"
    step record-complete
    mv -f "$own/record.new" "$own/record" || fail 1 "cannot write the record"
    step record-clear
    rm -f "$own/starting" "$own/first-start"
fi
say recorded
