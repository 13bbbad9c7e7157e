# Put the staged files in place, keep what they replace, reset the deployment directory.
# A journal stands from before the first change until after the last: start refuses meanwhile,
# and the next run goes on with the same generation, so that what was kept stays the true old.
# HOME_DIR GENERATION META REMOVE RESET(yes|no) DOWN(yes|no) KEEP UNDO(generation ...)
# A rollback stages what generations kept (UNDO, newest first) and lists in staged/remove what
# was not there before them.
own=$(state)
if pid=$(carbon_pid); then
    [ "$DOWN" = no ] || fail 8 "the server runs (pid $pid); its files are swapped only while it is down"
fi
if [ -f "$own/journal" ]; then
    GENERATION=$(cat "$own/journal")
    case " $UNDO " in *"$GENERATION"*) META="$META
undoes=$GENERATION" REWRITE=yes ;; esac
fi
kept=$own/generations/$GENERATION
step generation
mkdir -p "$kept/files" || fail 1 "cannot create $kept"

# keep PATH: a copy for rollback, 600 from its first byte; the first one of a generation stays.
keep() {
    [ ! -e "$kept/files/$1" ] || return 0
    if [ ! -e "$HOME_DIR/$1" ]; then
        grep -qxF "absent $1" "$kept/manifest" 2>/dev/null || say "absent $1" >> "$kept/manifest"
        return 0
    fi
    if grep -qxF "absent $1" "$kept/manifest" 2>/dev/null; then return 0; fi
    step "keep $1"
    mkdir -p "$kept/files/$(dirname "$1")" &&
        cat "$HOME_DIR/$1" > "$kept/copy" &&
        mv -f "$kept/copy" "$kept/files/$1" &&
        say "$(stat -c '%a' "$HOME_DIR/$1") $1" >> "$kept/manifest" ||
        fail 1 "cannot keep a copy of $1"
}

list=$own/staged/manifest
if [ -s "$list" ]; then
    cut -c 73- "$list" > "$own/staged/paths"
else
    mkdir -p "$own/staged" && : > "$own/staged/paths"
fi
[ -f "$own/staged/remove" ] || : > "$own/staged/remove"
eval "set -- $REMOVE"
for path; do say "$path" >> "$own/staged/remove"; done
while read -r path; do keep "$path"; done < "$own/staged/paths"
while read -r path; do keep "$path"; done < "$own/staged/remove"
{ [ -f "$kept/meta" ] && [ -z "${REWRITE:-}" ]; } || { say "$META" > "$kept/meta.new" && mv -f "$kept/meta.new" "$kept/meta"; } ||
    fail 1 "cannot write $kept"
flush "$kept" "$kept/manifest" "$kept/meta"

# Owner and mode are those of the file that is replaced; what cannot be kept is refused first.
while read -r path; do
    new=$own/staged/files/$path
    old=$HOME_DIR/$path
    if [ -e "$old" ]; then
        step "mode $path"
        chown --reference="$old" "$new" 2>/dev/null ||
            [ "$(stat -c %u "$old")" = "$(stat -c %u "$new")" ] ||
            fail 1 "$path belongs to $(stat -c %U "$old"), and its owner cannot be kept"
        chmod --reference="$old" "$new" || fail 1 "cannot set the mode of $path"
        chcon --reference="$old" "$new" 2>/dev/null
    else
        chmod 644 "$new"
    fi
    [ "$(stat -c %d "$new")" = "$(stat -c %d "$(dirname "$old")")" ] ||
        fail 1 "$(dirname "$path") is on another file system than AS_HOME: no rename can swap it"
done < "$own/staged/paths"

step journal
say "$GENERATION" > "$own/journal.new" && mv -f "$own/journal.new" "$own/journal" ||
    fail 1 "cannot write the journal"
flush "$own/journal" "$own"

while read -r path; do
    step "swap $path"
    mv -f "$own/staged/files/$path" "$HOME_DIR/$path" || fail 1 "cannot put $path in place"
    flush "$(dirname "$HOME_DIR/$path")"
    say "swapped $path"
done < "$own/staged/paths"

while read -r path; do
    [ -e "$HOME_DIR/$path" ] || continue
    step "remove $path"
    rm -f "$HOME_DIR/$path" || fail 1 "cannot remove $path"
    say "removed $path"
done < "$own/staged/remove"

server=$HOME_DIR/repository/deployment/server
if [ "$RESET" = yes ]; then
    [ ! -L "$server" ] || fail 8 "repository/deployment/server is a link"
    mode=755
    if [ -d "$server" ] && [ -n "$(ls -A "$server")" ] && [ ! -e "$kept/deployment-server" ]; then
        mode=$(stat -c %a "$server")
        step reset
        mv -T "$server" "$kept/deployment-server" || fail 1 "cannot keep the deployment directory aside"
        say "reset"
    fi
    step reset-create
    [ -d "$server" ] || { mkdir "$server" && chmod "$mode" "$server"; } ||
        fail 1 "cannot create the deployment directory"
fi

# The state before several generations is what the oldest of them found.
before=
eval "set -- $UNDO"
for undone; do
    [ ! -d "$own/generations/$undone/deployment-server" ] ||
        before=$own/generations/$undone/deployment-server
done
if [ -n "$before" ]; then
    if [ -d "$server" ] && [ ! -e "$kept/deployment-server" ]; then
        step restore-keep
        mv -T "$server" "$kept/deployment-server" ||
            fail 1 "cannot keep the deployment directory aside"
    fi
    step restore
    [ -d "$server" ] || mv -T "$before" "$server" || fail 1 "cannot put the deployment directory back"
    say "restored"
fi

flush "$HOME_DIR/repository" "$own"
step journal-close
rm -f "$own/journal"
step staged-clear
rm -rf "$own/staged"

# Only names that this script makes are ever deleted, the oldest first, never the newest KEEP.
cd "$own/generations" || exit 0
ls -d [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z-* 2>/dev/null |
    sort -r | tail -n +$((KEEP + 1)) | while read -r oldest; do
    step "prune $oldest"
    rm -rf "./$oldest"
done
say "generation $GENERATION"
