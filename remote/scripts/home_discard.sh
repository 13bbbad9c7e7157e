# Remove the partial directory. The tar that filled it may still be ending.
# Values: PARTIAL
# Output: discarded
tries=0
step home-discard
until remove_tree "$PARTIAL"; do
    [ -w "${PARTIAL%/*}" ] && [ $tries -lt 100 ] || fail 1 "cannot remove $PARTIAL"
    sleep 0.05
    tries=$((tries + 1))
done
say discarded
