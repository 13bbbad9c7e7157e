# Look again after a stop: somebody else may have started the server once more.
# Values: HOME_DIR, UNIT (of systemd, or empty)
# Output: runs PID (0: its unit is about to start it), or nothing
if [ -d "$HOME_DIR" ] && find_carbon; then
    say "runs $pid"
elif [ -n "$UNIT" ]; then
    case $(systemctl show -p ActiveState -- "$UNIT") in ActiveState=activating | ActiveState=active) say "runs 0" ;; esac
fi
