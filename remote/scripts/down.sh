# Look again after a stop: somebody else may have started the server once more.
# Values: HOME_DIR
# Output: runs PID, or nothing
if [ -d "$HOME_DIR" ] && find_carbon; then say "runs $pid"; fi
