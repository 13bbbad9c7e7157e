# Remove from the partial directory what the source no longer has.
# Values: PARTIAL
# Payload: paths, each with a NUL at its end
# Output: dropped
cd "$PARTIAL" || fail 1 "$PARTIAL is gone"
step clone-drop
xargs -0 -r rm -rf -- || fail 1 "cannot remove what the source has no more"
say dropped
