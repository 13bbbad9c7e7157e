# Remove staged files that no swap has begun to use: they may hold secrets.
# Values: HOME_DIR
# Output: unstaged
[ ! -f "$own/journal" ] || exit 0
step stage-clear
remove_tree "$own/staged" || fail 1 "cannot remove the staged files"
rmdir "$own/generations" "$own" 2>/dev/null
say unstaged
