# End the server and wait until its process is gone; patience first, SIGKILL at the end.
# Values: HOME_DIR, PATIENCE_SECONDS, KILL (yes, no)
# Output: down, stopped PID, killed PID
HOME_REAL=$(cd "$HOME_DIR" && pwd -P) || fail 1 "AS_HOME $HOME_DIR is gone"
pid=$(carbon_pid) || { say "down"; exit 0; }
ticks=$(start_ticks "$pid")
step terminate
kill -TERM "$pid" || fail 1 "cannot signal pid $pid"
tenths=0
while alive "$pid" "$ticks"; do
    if [ $tenths -ge $((PATIENCE_SECONDS * 20)) ]; then
        [ "$KILL" = yes ] || fail 1 "pid $pid still runs after $PATIENCE_SECONDS s"
        step kill
        kill -KILL "$pid"
        say "killed $pid"
        while alive "$pid" "$ticks"; do sleep 0.05; done
        exit 0
    fi
    sleep 0.05
    tenths=$((tenths + 1))
done
say "stopped $pid"
