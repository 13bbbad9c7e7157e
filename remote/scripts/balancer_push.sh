# Replace the cluster's files of nginx, let nginx test them, and load them. If nginx refuses, the old files
# come back: they are kept beside the new ones until nginx runs with these, and what an interrupted push kept stays
# the true old. Every sudo line here stands word for word in the sudoers fragment.
# If WITH_HELPER is `yes`, root's helper writes the new files: it takes another state of workers, and nothing else.
# Values: CONF_DIR, WITH_HELPER (yes or no), FILES (name ...), EXPECT (digest name ...), PUT (digest name ...), DROP (name ...), LOAD_SECONDS
# Payload: a tar of the files to put
# Output: warning TEXT, old PID.TICKS, loaded
cd "$CONF_DIR" || fail 1 "cannot enter $CONF_DIR"
eval "set -- $EXPECT"
while [ $# -ge 2 ]; do
    if [ "$1" = - ]; then
        [ ! -e "$2" ] || fail 7 "$CONF_DIR/$2 is there now, and was not when this run read it"
    else
        [ -f "$2" ] && holds "$2" "$1" ||
            fail 7 "$CONF_DIR/$2 was changed by somebody else since this run read it"
    fi
    shift 2
done

own=$(mktemp -d) || fail 1 "cannot create a temporary directory"
trap 'rm -rf "$own"' EXIT
tar -xf - -C "$own" || fail 1 "the new files did not arrive whole"
: > "$own/added"

clear_away() {
    step clear
    eval "set -- $FILES"
    for name; do
        sudo -n rm -f "$CONF_DIR/$name.provision-new" "$CONF_DIR/$name.provision-kept" < /dev/null ||
            fail 1 "cannot remove $CONF_DIR/$name.provision-new"
    done
}

keep() {
    [ ! -e "$1.provision-kept" ] || return 0
    [ -e "$1" ] || { say "$1" >> "$own/added"; return 0; }
    step "keep $1"
    sudo -n ln "$CONF_DIR/$1" "$CONF_DIR/$1.provision-kept" < /dev/null ||
        fail 1 "cannot keep $CONF_DIR/$1"
}

restore() {
    eval "set -- $FILES"
    for name; do
        step "restore $name"
        if [ -e "$name.provision-kept" ]; then
            sudo -n mv -f "$CONF_DIR/$name.provision-kept" "$CONF_DIR/$name" < /dev/null ||
                fail 1 "cannot put $CONF_DIR/$name back; the old one is $name.provision-kept"
        elif grep -qxF "$name" "$own/added"; then
            sudo -n rm -f "$CONF_DIR/$name" < /dev/null || fail 1 "cannot remove $CONF_DIR/$name"
        fi
    done
    flush "$CONF_DIR"
    clear_away
}

# write_new: what comes becomes the file $new.
write_new() {
    if [ "$WITH_HELPER" = no ]; then
        (umask 022 && sudo -n tee "$new" > /dev/null) || fail 1 "cannot write $new"
        return
    fi
    said=$(sudo -n /usr/local/sbin/carbon-provision-rotation "$new" 2>&1) && return
    case $said in carbon-provision-rotation:*) clear_away && fail 13 "${said#*: *: }" ;; esac
    printf '%s\n' "$said" >&2
    fail 1 "cannot write $new"
}

eval "set -- $PUT"
while [ $# -ge 2 ]; do
    new=$CONF_DIR/$2.provision-new
    step "stage $2"
    write_new < "$own/$2"
    holds "$new" "$1" || { clear_away; fail 1 "$new was not written whole"; }
    flush "$new"
    keep "$2"
    shift 2
done
eval "set -- $DROP"
for name; do keep "$name"; done

eval "set -- $PUT"
while [ $# -ge 2 ]; do
    step "swap $2"
    sudo -n mv -f "$CONF_DIR/$2.provision-new" "$CONF_DIR/$2" < /dev/null ||
        { restore; fail 1 "cannot rename $CONF_DIR/$2.provision-new"; }
    shift 2
done
eval "set -- $DROP"
for name; do
    step "drop $name"
    sudo -n rm -f "$CONF_DIR/$name" < /dev/null ||
        { restore; fail 1 "cannot remove $CONF_DIR/$name"; }
done
flush "$CONF_DIR"

# plain TEXT: what nginx says, in one of the two forms that it has.
plain() {
    printf '%s\n' "$1" |
        sed -e 's/^nginx: //' -e 's|^[0-9/]* [0-9:]* \(\[[a-z]*]\) [0-9#]*: |\1 |'
}

# sentence TEXT: what it complains of.
sentence() { plain "$1" | grep -m 1 -e '^.emerg]' -e '^.error]' -e '^sudo:' || plain "$1" | tail -n 1; }

said=$(sudo -n nginx -t 2>&1 < /dev/null) || {
    restore
    fail 10 "nginx refuses the files: $(sentence "$said")"
}
plain "$said" | sed -n 's/^\[warn] /warning /p'

# Workers as `pid.ticks parent`, also those that only finish what they have.
workers() {
    for entry in $(grep -lsa '^nginx: worker process' /proc/[0-9]*/cmdline); do
        pid=${entry#/proc/}
        pid=${pid%/cmdline}
        say "$pid.$(start_ticks "$pid") $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d ' ' -f 2)"
    done
}

workers > "$own/before"
step reload
said=$(sudo -n nginx -s reload 2>&1 < /dev/null) || {
    restore
    fail 11 "nginx cannot be reloaded: $(sentence "$said")"
}

# New files are in effect once nginx has new workers; their parent tells which old ones were its.
# A server that hides others' processes shows none at all.
parent=
deadline=$(($(date +%s) + LOAD_SECONDS))
while [ -s "$own/before" ] && [ -z "$parent" ]; do
    parent=$(workers | grep -vxF -f "$own/before" | head -n 1 | cut -d ' ' -f 2)
    if [ -z "$parent" ] && [ "$(date +%s)" -ge $deadline ]; then
        restore
        fail 12 "nginx did not load the files within $LOAD_SECONDS s"
    fi
    sleep 0.05
done
clear_away
sed -n "s/ $parent\$//p" "$own/before" | sed 's/^/old /'
say loaded
