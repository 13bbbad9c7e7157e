# Report on the place where a home stands or is to stand, and change nothing.
# Values: HOME_DIR, PARTIAL
# Output: parent STATE, state STATE, identity BOOT DEVICE INODE, leftover_kb
parent=${HOME_DIR%/*}
parent=${parent:-/}
if [ ! -d "$parent" ]; then say "parent missing"
elif [ -w "$parent" ] && [ -x "$parent" ]; then say "parent writable"
else say "parent closed"
fi

if [ ! -e "$HOME_DIR" ] && [ ! -L "$HOME_DIR" ]; then say "state absent"
elif grep -qF " $HOME_DIR " /proc/self/mountinfo; then say "state mount"
elif [ -L "$HOME_DIR" ] || [ ! -d "$HOME_DIR" ] || [ -n "$(ls -A "$HOME_DIR" 2>/dev/null)" ]; then
    say "state filled"
else say "state empty"
fi
[ -d "$HOME_DIR" ] &&
    say "identity $(cat /proc/sys/kernel/random/boot_id) $(stat -L -c '%d %i' "$HOME_DIR")"
[ -d "$PARTIAL" ] && say "leftover_kb $(du -sk "$PARTIAL" 2>/dev/null | cut -f 1)"
exit 0
