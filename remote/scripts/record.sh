# Write one audit line, then what was verified of the process that runs. After a start, its shell goes on with
# this once the client tells it, and ends if the client tells it nothing. What is in the record is in the audit
# log already, so that a run that finds it has nothing to add.
# Values: HOME_DIR
# Input: the audit line, the outcome (joined, failed, removed or nothing), the pid, the lines of the record, an empty line
# Output: recorded
IFS= read -r audit || [ -z "${watching-}" ] || exit 0
read -r outcome
read -r verified
record=
whole=no
while [ $whole = no ] && IFS= read -r line; do
    if [ -n "$line" ]; then record=$record$line$NEWLINE; else whole=yes; fi
done
[ $whole = yes ] || fail 1 "what is to be recorded did not arrive whole"
[ -z "${watching-}" ] || kill "$watching" 2> /dev/null
[ -d "$HOME_DIR" ] || fail 1 "AS_HOME $HOME_DIR is gone"
# The product deletes the password that it has read; without a vault, or after a failed start, nobody does.
if [ -n "${password_given-}" ] && [ -f "$HOME_DIR/password-tmp" ]; then
    step password-clear
    rm -f "$HOME_DIR/password-tmp" || fail 1 "cannot remove $HOME_DIR/password-tmp"
fi
if [ ! -d "$own" ]; then
    step state
    mkdir -p "$own" || fail 1 "cannot write in $HOME_DIR"
fi
step audit
# A line that a full disk cut short ends here.
[ ! -s "$own/audit.log" ] || [ -z "$(tail -c 1 "$own/audit.log")" ] || say >> "$own/audit.log" ||
    fail 1 "cannot write the audit line"
say "$audit" >> "$own/audit.log" || fail 1 "cannot write the audit line"
(logger -t carbon-provision -- "$audit" > /dev/null 2>&1 &)

if [ -n "$record" ]; then
    step record
    read_record ''
    read_ticks "$verified" || ticks=
    if [ "$record_process" = "$verified $ticks" ] && [ -z "$unended" ]; then
        printf '%s' "$record" >> "$own/record" || fail 1 "cannot write the record"
    else
        case $record_process in
            "$verified $ticks") ;;
            *' '*) lines= ;; # of another process; without a process it is of a start that was cut off
        esac
        printf '%s' "$lines" "pid=$verified$NEWLINE" "ticks=$ticks$NEWLINE" "$record" > "$own/record.new" || {
            rm -f "$own/record.new"
            fail 1 "cannot write the record"
        }
        step record-complete
        mv -f "$own/record.new" "$own/record" || fail 1 "cannot write the record"
    fi
    if [ -f "$own/first-start" ]; then
        step record-clear
        rm -f "$own/first-start" || fail 1 "cannot remove $own/first-start"
    fi
fi
# mark_generation OUTCOME: of the state that the newest generation left: what its first start came to, and that it
# joined once it did. A rollback returns to the last state that joined.
mark_generation() {
    newest=
    for kept in "$own"/generations/$GENERATIONS; do [ ! -f "$kept/meta" ] || newest=$kept; done
    [ -n "$newest" ] || return 0
    known=
    while IFS= read -r line; do
        case $line in outcome=*) known=${line#outcome=} ;; esac
    done < "$newest/meta"
    case $known:$1 in joined:* | failed:failed) return 0 ;; esac
    step outcome
    say "outcome=$1" >> "$newest/meta"
}
if [ "$outcome" = removed ]; then
    step removed
    : > "$own/removed" || fail 1 "cannot write in $own"
    outcome=
fi
[ -z "$outcome" ] || mark_generation "$outcome" || fail 1 "cannot write what became of the last generation"
say recorded
