# Rename the whole and verified home into place, and keep aside what it replaces.
# Values: HOME_DIR, PARTIAL, KEPT, REPLACE (yes, no), EMPTY (directories)
# Values: CLONED (of a clone; empty for a pack), FIRST_START (-Dsetup or empty)
# Output: kept, landed
[ -d "$PARTIAL" ] && [ ! -L "$PARTIAL" ] || fail 7 "$PARTIAL is gone"
if [ -d "$HOME_DIR" ] && [ -n "$(ls -A "$HOME_DIR")" ]; then
    [ "$REPLACE" = yes ] || fail 7 "there is an AS_HOME at $HOME_DIR by now"
    if pid=$(carbon_pid); then fail 8 "a server runs from $HOME_DIR (pid $pid)"; fi
fi

own=$PARTIAL/.provision
step home-complete
cd "$PARTIAL" || fail 1 "cannot enter $PARTIAL"
find . ! -type l -perm /6000 -exec chmod ug-s {} + || fail 1 "cannot take setuid bits away"
eval "set -- $EMPTY"
for path; do
    (umask 022; mkdir -p "$path") || fail 1 "cannot create $path"
done
# What its source was configured as is nothing to roll back to.
remove_tree "$own/generations" || fail 1 "cannot remove $own/generations"
mkdir -p "$own" || fail 1 "cannot write $own"
if [ -n "$CLONED" ]; then
    say "$CLONED" > "$own/cloned" && say "$FIRST_START" > "$own/first-start" || fail 1 "cannot write $own"
fi
cd /
sync -f "$PARTIAL" 2> /dev/null || sync

kept=no
if [ -d "$HOME_DIR" ] && [ ! -L "$HOME_DIR" ] && rmdir "$HOME_DIR" 2> /dev/null; then
    :
elif [ -f "$HOME_DIR/.provision/first-start" ]; then
    # A clone that never joined: what it replaced stays kept in its stead.
    step home-supersede
    remove_tree "$HOME_DIR" || fail 1 "cannot remove the clone at $HOME_DIR that never joined"
elif [ -e "$HOME_DIR" ] || [ -L "$HOME_DIR" ]; then
    if [ -e "$KEPT" ] || [ -L "$KEPT" ]; then
        step home-forget
        remove_tree "$KEPT" || fail 1 "cannot remove $KEPT, which an earlier clone kept"
    fi
    step home-keep
    mv -T "$HOME_DIR" "$KEPT" || fail 1 "cannot keep $HOME_DIR aside"
    kept=yes
    say "kept"
fi
step home-land
if ! mv -T "$PARTIAL" "$HOME_DIR"; then
    [ $kept = no ] || mv -T "$KEPT" "$HOME_DIR"
    fail 1 "cannot rename $PARTIAL to $HOME_DIR"
fi
flush "${HOME_DIR%/*}"
say "landed"
