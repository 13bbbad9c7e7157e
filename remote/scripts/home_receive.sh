# Unpack what comes into the partial directory beside AS_HOME; AS_HOME itself is not touched. If the stream breaks
# off, the client may be gone: what came is removed from here.
# Values: PARTIAL, FRESH (yes, no), NEED_KB
# Payload: a tar
# Output: received
if [ "$FRESH" = yes ]; then
    step home-clear
    remove_tree "$PARTIAL" || fail 1 "cannot clear $PARTIAL, which an interrupted run left"
    free=$(df -Pk "${PARTIAL%/*}" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$NEED_KB" ] || fail 1 "only $free kB are free, $NEED_KB kB are needed"
    step home-create
    mkdir "$PARTIAL" || fail 1 "cannot create $PARTIAL"
fi
step home-unpack
if ! said=$(tar --extract --file=- --no-same-owner --same-permissions --directory="$PARTIAL" 2>&1); then
    step home-discard
    remove_tree "$PARTIAL"
    cause=$(printf '%s\n' "$said" | grep -m 1 'No space left' || printf '%s\n' "$said" | head -n 1)
    fail 1 "what was sent could not be unpacked whole: $cause"
fi
cat > /dev/null # what pads the last record
say received
