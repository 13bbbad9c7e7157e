# Remove from the partial directory what the source has no more.
# PARTIAL; payload: paths, each with a NUL at its end.
cd "$PARTIAL" || fail 1 "$PARTIAL is gone"
step clone-drop
xargs -0 -r rm -rf -- || fail 1 "cannot remove what the source has no more"
say dropped
