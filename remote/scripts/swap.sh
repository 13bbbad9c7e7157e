# Put the staged files in place, keep what they replace, reset the deployment directory.
# A journal stands from before the first change until after the last: start refuses meanwhile,
# and the next run goes on with the same generation, so that what was kept stays the true old.
# A generation counts from when it has its meta, right after the journal.
# HOME_DIR GENERATION META REMOVE RESET(yes|no) DOWN(yes|no) KEEP UNDO(generation ...)
# A rollback stages what generations kept (UNDO, newest first) and lists in staged/remove what
# was not there before them.
own=$(state)
trap '' PIPE # where the client goes away meanwhile, this goes on to its end
if pid=$(carbon_pid); then
    [ "$DOWN" = no ] || fail 8 "the server runs (pid $pid); its files are swapped only while it is down"
fi
if [ -f "$own/journal" ]; then GENERATION=$(cat "$own/journal"); fi
kept=$own/generations/$GENERATION

# Only names that this script makes are ever deleted.
generations() {
    (cd "$own/generations" 2> /dev/null && ls -d [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z-*) 2> /dev/null
}

# discard GENERATION: without its meta first, it never looks like one that can be returned to.
discard() {
    step "discard $1"
    rm -f "$own/generations/$1/meta" || return 1
    step "discard-files $1"
    rm -rf "$own/generations/$1"
}

for old in $(generations); do
    [ -f "$own/generations/$old/meta" ] || [ "$old" = "$GENERATION" ] || discard "$old"
done
step generation
mkdir -p "$kept/files" || fail 1 "cannot create $kept"

list=$own/staged/manifest
paths=$own/staged/paths
remove=$own/staged/remove
step list
mkdir -p "$own/staged" || fail 1 "cannot create $own/staged"
if [ -s "$list" ]; then cut -c 73- "$list"; fi > "$paths" || fail 1 "cannot list the staged files"
[ -f "$remove" ] || : > "$remove" || fail 1 "cannot list what goes away"
eval "set -- $REMOVE"
for path; do
    say "$path" >> "$remove" || fail 1 "cannot list what goes away"
done

listed() { [ -f "$kept/manifest" ] && cut -d ' ' -f 2- "$kept/manifest" 2> /dev/null | grep -qxF -e "$1"; }

# keep PATH: a copy for rollback, 600 from its first byte; the first one of a generation stays.
# What is not in the manifest was not swapped yet.
keep() {
    ! listed "$1" || return 0
    if [ ! -e "$HOME_DIR/$1" ]; then
        say "absent $1" >> "$kept/manifest.new" || fail 1 "cannot note that there is no $1"
        return 0
    fi
    step "keep $1"
    copy=$kept/files/$1
    mkdir -p "${copy%/*}" &&
        cat "$HOME_DIR/$1" > "$copy" &&
        say "$(stat -c '%a' "$HOME_DIR/$1") $1" >> "$kept/manifest.new" ||
        fail 1 "cannot keep a copy of $1"
}

step manifest
: > "$kept/manifest.new" || fail 1 "cannot write in $kept"
if [ -f "$kept/manifest" ]; then
    cat "$kept/manifest" > "$kept/manifest.new" || fail 1 "cannot write in $kept"
fi
while read -r path; do keep "$path"; done < "$paths"
while read -r path; do keep "$path"; done < "$remove"
flush "$kept/manifest.new"
step manifest-complete
mv -f "$kept/manifest.new" "$kept/manifest" || fail 1 "cannot write in $kept"
flush "$kept"

selinux=
if [ -d /sys/fs/selinux ] || [ -d /selinux ]; then selinux=yes; fi
# Owner and mode are those of the file that is replaced, or was; what cannot be kept is refused
# first.
while read -r path; do
    new=$own/staged/files/$path
    old=$HOME_DIR/$path
    step "mode $path"
    if [ -e "$old" ]; then
        set -- $(stat -c '%u:%g' "$old" "$new")
        [ "$1" = "$2" ] || chown --reference="$old" "$new" 2>/dev/null || [ "${1%:*}" = "${2%:*}" ] ||
            fail 1 "$path belongs to $(stat -c %U "$old"), and its owner cannot be kept"
        chmod --reference="$old" "$new" || fail 1 "cannot set the mode of $path"
        [ -z "$selinux" ] || chcon --reference="$old" "$new" 2>/dev/null
    else
        mode=$(awk -v path="$path" '$0 == $1 " " path { print $1 }' "$own/staged/modes" 2>/dev/null)
        chmod "${mode:-644}" "$new" || fail 1 "cannot set the mode of $path"
    fi
    set -- $(stat -c %d "$new" "${old%/*}")
    [ "$1" = "$2" ] ||
        fail 1 "${path%/*} is on another file system than AS_HOME: no rename can swap it"
done < "$paths"

# put NAME TEXT: a whole file in the place of NAME, in one step.
put() {
    step "${1##*/}"
    say "$2" > "$1.new" || fail 1 "cannot write $1"
    flush "$1.new"
    step "${1##*/}-complete"
    mv -f "$1.new" "$1" || fail 1 "cannot write $1"
    flush "${1%/*}"
}
put "$own/journal" "$GENERATION"
put "$kept/meta" "$META"

set --
while read -r path; do
    step "swap $path"
    live=$HOME_DIR/$path
    mv -f "$own/staged/files/$path" "$live" || fail 1 "cannot put $path in place"
    set -- "$@" "${live%/*}"
    say "swapped $path"
done < "$paths"
[ $# -eq 0 ] || flush "$@" # together: until the journal is closed, their order does not matter

while read -r path; do
    [ -e "$HOME_DIR/$path" ] || continue
    step "remove $path"
    rm -f "$HOME_DIR/$path" || fail 1 "cannot remove $path"
    say "removed $path"
done < "$remove"

server=$HOME_DIR/repository/deployment/server
aside=$kept/deployment-server
# filled: the deployment directory holds something.
filled() { [ -d "$server" ] && [ -n "$(ls -A "$server")" ]; }

# Which generation a rollback takes the directory back from is decided once and written down: once
# it is back, nothing else tells.
from=$(cat "$kept/from" 2> /dev/null)
if [ -z "$from" ]; then
    eval "set -- $UNDO"
    for undone; do # the state before several generations is what the oldest of them found
        [ ! -d "$own/generations/$undone/deployment-server" ] || from=$undone
    done
    [ -z "$from" ] || put "$kept/from" "$from"
fi
before=$own/generations/$from/deployment-server

if [ "$RESET" = yes ]; then
    [ ! -L "$server" ] || fail 8 "repository/deployment/server is a link"
    if filled && [ ! -e "$aside" ]; then
        step reset
        mv -T "$server" "$aside" || fail 1 "cannot keep the deployment directory aside"
        say "reset"
    elif filled; then
        # An interrupted rollback brought it back from where it now returns.
        [ -n "$from" ] && [ ! -e "$before" ] || fail 8 "the deployment directory was filled meanwhile"
        step reset-back
        mv -T "$server" "$before" || fail 1 "cannot keep the deployment directory aside"
    fi
    mode=$(stat -c %a "$aside" 2> /dev/null || echo 755)
    step reset-create
    [ -d "$server" ] || mkdir -m "$mode" "$server" || fail 1 "cannot create the deployment directory"
elif [ -n "$UNDO" ] && [ -n "$from" ] && [ -d "$before" ]; then
    if [ -d "$server" ] && [ ! -e "$aside" ]; then
        step restore-keep
        mv -T "$server" "$aside" || fail 1 "cannot keep the deployment directory aside"
    elif [ -d "$server" ]; then
        # The empty one of the interrupted deploy that is taken back.
        step restore-clear
        rmdir "$server" || fail 1 "cannot put the deployment directory back: a new one is in use"
    fi
    step restore
    mv -T "$before" "$server" || fail 1 "cannot put the deployment directory back"
    say "restored"
fi
if [ -z "$UNDO" ] && [ -f "$kept/from" ]; then
    step from-clear
    rm -f "$kept/from" || fail 1 "cannot write in $kept"
fi

flush "$HOME_DIR/repository" "$own"
step journal-close
rm -f "$own/journal" || fail 1 "cannot close the journal"
step staged-clear
rm -rf "$own/staged" || fail 1 "cannot remove the staged files"

generations | sort -r | tail -n +$((KEEP + 1)) | while read -r oldest; do discard "$oldest"; done
say "generation $GENERATION"
