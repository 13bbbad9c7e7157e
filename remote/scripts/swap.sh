# Put the staged files in place, keep what they replace, reset the deployment directory. A journal stands from
# before the first change until after the last: start refuses meanwhile, and the next run goes on with the same
# generation, so that what was kept stays the true old. A rollback stages what generations kept (UNDO, newest
# first) and lists in staged/remove what was not there before them.
# Values: HOME_DIR, GENERATION, META, RESET (yes, no), SERVER_MODE (of the deployment directory, or empty)
# Values: MARK (yes: a file goes away that a running server has read), DOWN (yes, no), KEEP, UNDO (generation ...)
trap '' PIPE # if the client goes away meanwhile, this goes on to its end
if find_carbon; then
    [ "$DOWN" = no ] || fail 8 "the server runs (pid $pid); its files are swapped only while it is down"
fi
if [ -f "$own/journal" ]; then read -r GENERATION < "$own/journal"; fi
demand_generation "$GENERATION"
eval "set -- $UNDO"
for undone; do demand_generation "$undone"; done
kept=$own/generations/$GENERATION

# discard DIR: its meta goes first: then it never looks like a generation that can be returned to.
discard() {
    step "discard ${1##*/}"
    rm -f "$1/meta" || return 1
    step "discard-files ${1##*/}"
    remove_tree "$1"
}

for old in "$own"/generations/$GENERATIONS; do
    [ ! -d "$old" ] || [ -f "$old/meta" ] || [ "$old" = "$kept" ] || discard "$old"
done
# is_unchanged LINE: is the file of that line of a snapshot what it was, though it was touched? A backup or a
# chown may touch it.
is_unchanged() {
    read -r inode _ mode user group _ _ _ path << END
$1
END
    [ "$inode" != - ] && [ "$(stat -L -c '%a %u %g' "$path" 2> /dev/null)" = "$mode $user $group" ] || return 1
    digest=$(sha256sum < "$own/staged/keep/files/$path")
    holds "$path" "${digest%% *}"
}

step generation
[ -d "$own/generations" ] && [ -d "$own/staged" ] ||
    mkdir -p "$own/generations" "$own/staged" || fail 1 "cannot write in $own"
cd "$HOME_DIR" || fail 1 "AS_HOME $HOME_DIR is gone"
prepared=
[ -f "$own/journal" ] || { read -r prepared < "$own/staged/journal"; } 2> /dev/null
if [ "$prepared" = "$GENERATION" ] && [ ! -e "$kept" ]; then
    # All was prepared and flushed when it was staged, if nobody has touched a file since.
    take_snapshot
    while read -r line; do
        case $NEWLINE$snapshot in *"$NEWLINE$line$NEWLINE"*) continue ;; esac
        is_unchanged "$line" || fail 7 "$(say "$line" | cut -d ' ' -f 9-) was changed by somebody else since this run read it"
    done < "$own/staged/snapshot"
    step generation-kept
    mv -T "$own/staged/keep" "$kept" || fail 1 "cannot create $kept"
    set_modes
    journal=$own/staged/journal
else
    # The first copy of a generation stays: what is not in its manifest was not swapped yet.
    mkdir -p "$kept/files" || fail 1 "cannot create $kept"
    [ -f "$paths" ] || : > "$paths" || fail 1 "cannot write in $own/staged"
    list_others
    take_snapshot
    step manifest-begin
    { [ ! -f "$kept/manifest" ] || cat "$kept/manifest"; } > "$kept/manifest.new" || fail 1 "cannot write in $kept"
    keep_copies "$kept" "$kept/manifest.new"
    flush_lines "$copied"
    step manifest-complete
    mv -f "$kept/manifest.new" "$kept/manifest" || fail 1 "cannot write in $kept"
    prepare_ownership
    set_modes
    step journal
    journal=$own/journal.new
    printf '%s\n' "$GENERATION" "$META" > "$journal" && say "$META" > "$kept/meta.new" ||
        fail 1 "cannot write in $own"
    flush "$journal" "$kept/meta.new"
fi

# From here on the files may be a mixture. A generation counts from when the journal names it, with
# its meta: what a rollback undoes must be known to who completes it.
step journal-complete
mv -f "$journal" "$own/journal" || fail 1 "cannot write $own/journal"
step meta-complete
mv -f "$kept/meta.new" "$kept/meta" || fail 1 "cannot write $kept/meta"
flush "$own" "$own/generations" "$kept"

# All files at once, and the deployment directory meanwhile: see `await_moves`.
changed=$own$NEWLINE$HOME_DIR/repository$NEWLINE
movers=
deployed=
while read -r path; do
    case $path in repository/deployment/server/*) deployed=yes ;; esac
    case $path in
        */*)
            [ -d "${path%/*}" ] || {
                step "folder ${path%/*}"
                # shellcheck disable=SC2030,SC2031 # for this folder alone
                (umask 022 && mkdir -p "${path%/*}") || fail 1 "cannot create ${path%/*}"
            }
            ;;
    esac
    step "swap $path"
    mv -f "$own/staged/files/$path" "$path" &
    movers="$movers$! $path$NEWLINE"
    case $changed in *"$NEWLINE${path%/*}$NEWLINE"*) ;; *) changed=$changed${path%/*}$NEWLINE ;; esac
done < "$paths"

# A file that is gone is not newer than a start: this mark is, in its place.
if [ "$MARK" = yes ]; then
    step taken-away
    : > "$own/taken-away" || fail 1 "cannot write in $own"
fi
while read -r path; do
    [ -e "$HOME_DIR/$path" ] || continue
    step "remove $path"
    rm -f "$HOME_DIR/$path" || fail 1 "cannot remove $path"
done < "$remove"

# await_moves: wait for the renames that were begun.
await_moves() {
    while read -r mover path; do
        [ -z "$mover" ] || wait "$mover" || fail 1 "cannot put $path in place"
    done << END
$movers
END
}

server=$HOME_DIR/repository/deployment/server
aside=$kept/deployment-server
# Which generation a rollback takes the directory back from is decided once and written down: once
# it is back, nothing else tells.
from=
if [ -f "$kept/from" ]; then read -r from < "$kept/from"; fi
[ -z "$from" ] || demand_generation "$from"
if [ -z "$from" ]; then
    eval "set -- $UNDO"
    for undone; do # the state before several generations is what the oldest of them found
        [ ! -d "$own/generations/$undone/deployment-server" ] || from=$undone
    done
    if [ -n "$from" ]; then
        step from
        say "$from" > "$kept/from.new" || fail 1 "cannot write $kept/from"
        flush "$kept/from.new"
        step from-complete
        mv -f "$kept/from.new" "$kept/from" || fail 1 "cannot write $kept/from"
        flush "$kept"
    fi
fi
before=$own/generations/$from/deployment-server

# What lies behind a link may belong to several servers: it is never moved.
for place in repository repository/deployment repository/deployment/server; do
    [ "$RESET" = no ] && [ -z "$UNDO" ] || [ ! -L "$HOME_DIR/$place" ] || fail 8 "$place is a link"
done
# What goes into the deployment directory is in it before the directory itself is exchanged.
[ -z "$deployed" ] || await_moves
if [ "$RESET" = yes ]; then
    if is_filled "$server" && [ ! -e "$aside" ]; then
        step reset
        mv -T "$server" "$aside" || fail 1 "cannot keep the deployment directory aside"
    elif is_filled "$server"; then
        # An interrupted rollback brought it back from the place to which it now returns.
        [ -n "$from" ] && [ ! -e "$before" ] || fail 8 "the deployment directory was filled meanwhile"
        step reset-back
        mv -T "$server" "$before" || fail 1 "cannot keep the deployment directory aside"
    fi
    step reset-create
    [ -n "$SERVER_MODE" ] || SERVER_MODE=$(stat -c %a "$aside" 2> /dev/null || echo 755)
    [ -d "$server" ] || mkdir -m "$SERVER_MODE" "$server" || fail 1 "cannot create the deployment directory"
elif [ -n "$UNDO" ] && [ -n "$from" ] && [ -d "$before" ]; then
    if [ -d "$server" ] && [ ! -e "$aside" ]; then
        step restore-keep
        mv -T "$server" "$aside" || fail 1 "cannot keep the deployment directory aside"
    elif [ -d "$server" ]; then
        # The empty directory of the interrupted deploy that is rolled back.
        step restore-clear
        rmdir "$server" || fail 1 "cannot put the deployment directory back: a new one is in use"
    fi
    step restore
    mv -T "$before" "$server" || fail 1 "cannot put the deployment directory back"
fi
if [ -n "$UNDO" ] && [ -s "$own/staged/folders" ]; then # the deepest first
    while read -r folder; do
        [ -d "$HOME_DIR/$folder" ] && ! is_filled "$HOME_DIR/$folder" || continue
        step "remove-folder $folder"
        rmdir "$HOME_DIR/$folder" || fail 1 "cannot remove $folder"
    done << END
$(sort -r "$own/staged/folders")
END
fi
if [ -z "$UNDO" ] && [ -f "$kept/from" ]; then
    step from-clear
    rm -f "$kept/from" || fail 1 "cannot write in $kept"
fi

# Together: until the journal is closed, the order does not matter.
await_moves
if [ -s "$narrow" ]; then
    set --
    while read -r path; do [ ! -e "$path" ] || set -- "$@" "$path"; done < "$narrow"
    step narrow
    [ $# -eq 0 ] || chmod g-w,o= -- "$@" || fail 1 "cannot take the rights of others from files with secrets"
fi
flush_lines "$changed" &
flushing=$!
[ -z "${following+await}" ] || open_log # if a start follows; if this fails, it fails again there
wait "$flushing"
step journal-close
remove_tree "$own/journal" "$own/staged" || fail 1 "cannot close the journal and remove the staged files"

# The oldest go first; the last that joined and what came after it stay: a rollback returns to that state.
count=0
last_joined=
for old in "$own"/generations/$GENERATIONS; do
    count=$((count + 1))
    [ -f "$old/meta" ] || continue
    while IFS= read -r line; do
        [ "$line" != outcome=joined ] || last_joined=$old
    done < "$old/meta"
done
for old in "$own"/generations/$GENERATIONS; do
    [ $count -gt "$KEEP" ] && [ "$old" != "$last_joined" ] || break
    discard "$old"
    count=$((count - 1))
done
