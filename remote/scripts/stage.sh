# Bring the new files beside the live files. What the plan was computed on must still be there. All that the swap
# would do before it touches a live file is done here already, while all servers are at it: a turn waits less.
# Values: HOME_DIR, EXPECT (digest path ...), PATHS, CHECKSUMS (what cksum prints of them), NEED_KB
# Values: BROUGHT (paths of artifacts), DIGESTS (for sha256sum -c), MODES (path, tab, mode: of what gets another one)
# Values: GENERATION, META, HOSTS_DIGEST, HOSTS_PLAIN (yes, no)
# Payload: a tar with `files/` and, with HOSTS_DIGEST, the new /etc/hosts as `hosts`
# Output: staged
eval "set -- $EXPECT"
expected_present=
while [ $# -ge 2 ]; do
    [ "$1" = - ] || expected_present="${expected_present:+$expected_present$NEWLINE}$1  $2"
    shift 2
done
# All at once; one by one if that fails, to say which.
unchanged=no
cd "$HOME_DIR" || fail 1 "AS_HOME $HOME_DIR is gone"
sha256sum --status -c 2> /dev/null << END && unchanged=yes
$expected_present
END
eval "set -- $EXPECT"
while [ $# -ge 2 ]; do
    if [ "$1" = - ]; then
        [ ! -e "$2" ] || fail 7 "$2 is there now, and was not when this run read it"
    elif [ $unchanged = no ]; then
        [ -f "$2" ] && holds "$2" "$1" ||
            fail 7 "$2 was changed by somebody else since this run read it"
    fi
    shift 2
done
free=$(df -Pk "$HOME_DIR")
# shellcheck disable=SC2086 # split on purpose
set -- ${free##*"$NEWLINE"}
[ "$4" -ge "$NEED_KB" ] || fail 1 "only $4 kB are free, $NEED_KB kB are needed"

if [ -e "$own/staged" ]; then
    step stage-clear
    remove_tree "$own/staged" || fail 1 "cannot clear $own/staged"
fi
step stage-create
mkdir -p "$own/staged/keep/files" "$own/generations" || fail 1 "cannot create $own"
step stage-unpack
# With -m: a file's time is now, which shows that a server that started before needs a restart.
tar -xmf - -C "$own/staged" || fail 1 "the staged files did not arrive whole"
eval "set -- $PATHS"
# To find accidents: nobody else gets here, and SSH guarded the way.
[ $# -eq 0 ] || { cd "$own/staged/files" && [ "$(cksum -- "$@")" = "$CHECKSUMS" ]; } ||
    fail 1 "the staged files arrived damaged"
if [ -n "$BROUGHT" ]; then
    cd "$own/staged/files" && sha256sum --status -c 2> /dev/null << END || fail 1 "the staged artifacts arrived damaged"
$DIGESTS
END
fi
[ -z "$MODES" ] || say "$MODES" > "$own/staged/modes" || fail 1 "cannot write in $own"
eval "set -- $PATHS $BROUGHT"
cd "$HOME_DIR" || fail 1 "AS_HOME $HOME_DIR is gone"
step list-paths
if [ $# -gt 0 ]; then printf '%s\n' "$@"; fi > "$paths" || fail 1 "cannot list the staged files"
list_others
copied=
if [ ! -f "$own/journal" ]; then
    take_snapshot
    : > "$own/staged/keep/manifest" || fail 1 "cannot write in $own"
    keep_copies "$own/staged/keep" "$own/staged/keep/manifest"
    prepare_ownership
    step snapshot
    printf %s "$snapshot" > "$own/staged/snapshot" && say "$META" > "$own/staged/keep/meta.new" &&
        printf '%s\n' "$GENERATION" "$META" > "$own/staged/journal" || fail 1 "cannot write in $own"
    copied=$copied$own/staged/keep/meta.new$NEWLINE$own/staged/journal$NEWLINE
fi
new_hosts=
if [ -n "$HOSTS_DIGEST" ]; then
    { [ "$HOSTS_PLAIN" = yes ] && make_plain < "$own/staged/hosts"; } || make_new "$HOSTS_DIGEST" cat "$own/staged/hosts"
    new_hosts=$new
fi
eval "set -- $PATHS $BROUGHT"
for path; do copied=$copied$own/staged/files/$path$NEWLINE; done
flush_lines "$paths$NEWLINE$remove$NEWLINE$new_hosts$NEWLINE$copied"
say staged
