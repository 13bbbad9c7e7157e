# Put the staged files in place, keep what they replace, reset the deployment directory.
# A journal stands from before the first change until after the last: start refuses meanwhile,
# and the next run goes on with the same generation, so that what was kept stays the true old.
# HOME_DIR GENERATION META REMOVE RESET(yes|no) DOWN(yes|no) KEEP UNDO(generation ...)
# A rollback stages what generations kept (UNDO, newest first) and lists in staged/remove what
# was not there before them.
trap '' PIPE # where the client goes away meanwhile, this goes on to its end
if find_carbon; then
    [ "$DOWN" = no ] || fail 8 "the server runs (pid $pid); its files are swapped only while it is down"
fi
if [ -f "$own/journal" ]; then read -r GENERATION < "$own/journal"; fi
kept=$own/generations/$GENERATION

# Only names that this script makes are ever deleted.
NAMES='[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z-*'

# discard DIR: without its meta first, it never looks like one that can be returned to.
discard() {
    step "discard ${1##*/}"
    rm -f "$1/meta" || return 1
    step "discard-files ${1##*/}"
    rm -rf "$1"
}

for old in "$own"/generations/$NAMES; do
    [ ! -d "$old" ] || [ -f "$old/meta" ] || [ "$old" = "$kept" ] || discard "$old"
done
step generation
mkdir -p "$kept/files" || fail 1 "cannot create $kept"

list=$own/staged/manifest
paths=$own/staged/paths
remove=$own/staged/remove
step list
[ -d "$own/staged" ] || mkdir -p "$own/staged" || fail 1 "cannot create $own/staged"
: > "$paths" || fail 1 "cannot create $own/staged"
if [ -s "$list" ]; then
    while read -r _ path; do
        say "${path#files/}" >> "$paths" || fail 1 "cannot list the staged files"
    done < "$list"
fi
[ -f "$remove" ] || : > "$remove" || fail 1 "cannot list what goes away"
eval "set -- $REMOVE"
for path; do
    say "$path" >> "$remove" || fail 1 "cannot list what goes away"
done

# A copy of everything for rollback, private from its first byte. The first one of a generation
# stays: what is not in its manifest was not swapped yet.
step manifest
: > "$kept/manifest.new" || fail 1 "cannot write in $kept"
listed=$NEWLINE
if [ -f "$kept/manifest" ]; then
    cat "$kept/manifest" > "$kept/manifest.new" || fail 1 "cannot write in $kept"
    while read -r mode path; do listed=$listed$path$NEWLINE; done < "$kept/manifest"
fi
cd "$HOME_DIR" || fail 1 "AS_HOME $HOME_DIR is gone"
set --
for names in "$paths" "$remove"; do
    while read -r path; do
        case $listed in *"$NEWLINE$path$NEWLINE"*) continue ;; esac
        [ -n "$path" ] || continue
        if [ -e "$path" ]; then set -- "$@" "$path"
        else say "absent $path" >> "$kept/manifest.new" || fail 1 "cannot note that there is no $path"
        fi
    done < "$names"
done
if [ $# -gt 0 ]; then
    step keep
    cp -f --parents -- "$@" "$kept/files" && stat -L -c '%a %n' -- "$@" >> "$kept/manifest.new" ||
        fail 1 "cannot keep a copy of $*"
    for path; do
        shift
        [ ! -x "$path" ] || chmod 600 "$kept/files/$path"
        set -- "$@" "$kept/files/$path"
    done
fi
flush "$@" "$kept/manifest.new"
step manifest-complete
mv -f "$kept/manifest.new" "$kept/manifest" || fail 1 "cannot write in $kept"

selinux=
if [ -d /sys/fs/selinux ] || [ -d /selinux ]; then selinux=yes; fi

# Owner and mode are those of the file that is replaced, or was; what cannot be kept is refused
# first. One `stat` tells of all: of each staged file, of where it goes, and of what is there.
set --
while read -r path; do
    set -- "$@" "$own/staged/files/$path" "${path%/*}"
    [ ! -e "$path" ] || set -- "$@" "$path"
done < "$paths"
stats=$own/staged/stats
step stats
if [ $# -gt 0 ]; then stat -L -c '%d %u %g %a' -- "$@"; fi > "$stats" || fail 1 "cannot look at the files to swap"

# give MODE FILE...: all at once.
give() {
    [ $# -ge 2 ] || return 0
    step "mode $1"
    chmod "$@" || fail 1 "cannot set the mode of the staged files"
}
given=
set --
while read -r path && read -r device user group _ <&3 && read -r place _ <&3; do
    new=$own/staged/files/$path
    [ "$device" = "$place" ] ||
        fail 1 "${path%/*} is on another file system than AS_HOME: no rename can swap it"
    if [ -e "$path" ]; then
        read -r _ owner owners mode <&3
        [ "$owner:$owners" = "$user:$group" ] || chown "$owner:$owners" "$new" 2> /dev/null ||
            [ "$owner" = "$user" ] ||
            fail 1 "$path belongs to $(stat -c %U "$path"), and its owner cannot be kept"
        [ -z "$selinux" ] || chcon --reference="$path" "$new" 2> /dev/null
    else
        mode=
        [ ! -s "$own/staged/modes" ] || # what it had, where a rollback brings it back
            mode=$(awk -v path="$path" '$0 == $1 " " path { print $1 }' "$own/staged/modes")
        mode=${mode:-644}
    fi
    if [ "$mode" != "$given" ]; then
        give "$given" "$@"
        given=$mode
        set --
    fi
    set -- "$@" "$new"
done < "$paths" 3< "$stats"
give "$given" "$@"

# From here on the files may be a mixture. A generation counts from when the journal names it, with
# its meta: what a rollback undoes must be known to who completes it.
step journal
printf '%s\n' "$GENERATION" "$META" > "$own/journal.new" && say "$META" > "$kept/meta.new" ||
    fail 1 "cannot write in $own"
flush "$own/journal.new" "$kept/meta.new" "$kept"
step journal-complete
mv -f "$own/journal.new" "$own/journal" || fail 1 "cannot write $own/journal"
step meta-complete
mv -f "$kept/meta.new" "$kept/meta" || fail 1 "cannot write $kept/meta"
flush "$own" "$kept"

changed=$own$NEWLINE$HOME_DIR/repository$NEWLINE
while read -r path; do
    step "swap $path"
    mv -f "$own/staged/files/$path" "$path" || fail 1 "cannot put $path in place"
    case $changed in *"$NEWLINE${path%/*}$NEWLINE"*) ;; *) changed=$changed${path%/*}$NEWLINE ;; esac
    say "swapped $path"
done < "$paths"

while read -r path; do
    [ -e "$HOME_DIR/$path" ] || continue
    step "remove $path"
    rm -f "$HOME_DIR/$path" || fail 1 "cannot remove $path"
    say "removed $path"
done < "$remove"

# put NAME TEXT: a whole file in the place of NAME, in one step.
put() {
    step "${1##*/}"
    say "$2" > "$1.new" || fail 1 "cannot write $1"
    flush "$1.new"
    step "${1##*/}-complete"
    mv -f "$1.new" "$1" || fail 1 "cannot write $1"
    flush "${1%/*}"
}

server=$HOME_DIR/repository/deployment/server
aside=$kept/deployment-server
# Which generation a rollback takes the directory back from is decided once and written down: once
# it is back, nothing else tells.
from=
if [ -f "$kept/from" ]; then read -r from < "$kept/from"; fi
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
    if is_filled "$server" && [ ! -e "$aside" ]; then
        step reset
        mv -T "$server" "$aside" || fail 1 "cannot keep the deployment directory aside"
        say "reset"
    elif is_filled "$server"; then
        # An interrupted rollback brought it back from where it now returns.
        [ -n "$from" ] && [ ! -e "$before" ] || fail 8 "the deployment directory was filled meanwhile"
        step reset-back
        mv -T "$server" "$before" || fail 1 "cannot keep the deployment directory aside"
    fi
    step reset-create
    [ -d "$server" ] || mkdir -m "$(stat -c %a "$aside" 2> /dev/null || echo 755)" "$server" || fail 1 "cannot create the deployment directory"
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

# Together: until the journal is closed, their order does not matter.
separators=$IFS
IFS=$NEWLINE
set -f
flush $changed
set +f
IFS=$separators
step journal-close
rm -f "$own/journal" || fail 1 "cannot close the journal"
step staged-clear
rm -rf "$own/staged" || fail 1 "cannot remove the staged files"

count=0
for old in "$own"/generations/$NAMES; do count=$((count + 1)); done
for old in "$own"/generations/$NAMES; do
    [ $count -gt "$KEEP" ] || break
    discard "$old"
    count=$((count - 1))
done
say "generation $GENERATION"
