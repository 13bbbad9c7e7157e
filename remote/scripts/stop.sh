# End the server and wait until its process is gone; patience first, SIGKILL at the end. A server of a unit is ended
# by systemd, which would start it again otherwise; so is a unit that only waits to start it again.
# Values: HOME_DIR, PATIENCE_SECONDS, UNIT (of systemd, or empty)
# Output: down, stopped PID, killed PID, undone PID (somebody had systemd start the unit again meanwhile)
HOME_REAL=$(cd "$HOME_DIR" && pwd -P) || fail 1 "AS_HOME $HOME_DIR is gone"

unit_is_up() {
    case $(systemctl show -p ActiveState -- "$UNIT") in ActiveState=inactive | ActiveState=failed | '') return 1 ;; esac
}

# await_unit: until systemd has ended all of the unit. If it is up again instead, somebody else's start or restart has
# taken the place of this stop.
await_unit() {
    tenths=0
    while :; do
        state=$(systemctl show -p ActiveState -p MainPID -- "$UNIT")
        case $state in
            *ActiveState=inactive* | *ActiveState=failed* | '') return 0 ;;
            *ActiveState=deactivating*) tenths=0 ;;
            *) [ $tenths -lt 20 ] || break ;; # its job may not have begun yet
        esac
        sleep 0.1
        tenths=$((tenths + 1))
    done
    state=${state#*MainPID=}
    say "undone ${state%%"$NEWLINE"*}"
    exit 0
}

pid=$(carbon_pid)
by_unit=
if [ -n "$UNIT" ] && unit_is_up; then
    by_unit=yes
    step unit-stop
    sudo -n systemctl stop --no-block "$UNIT" < /dev/null || fail 1 "systemctl cannot stop $UNIT"
fi
if [ -z "$pid" ]; then
    [ -z "$by_unit" ] || await_unit
    say "down"
    exit 0
fi
ticks=$(start_ticks "$pid")
if [ -z "$by_unit" ] || ! in_unit "$pid" "$UNIT"; then
    step terminate
    kill -TERM "$pid" || fail 1 "cannot signal pid $pid"
fi
looks=0
while alive "$pid" "$ticks"; do
    if [ $looks -ge $((PATIENCE_SECONDS * 20)) ]; then
        step kill
        if [ -n "$by_unit" ] && in_unit "$pid" "$UNIT"; then
            sudo -n systemctl kill --signal=SIGKILL "$UNIT" < /dev/null || fail 1 "systemctl cannot kill $UNIT"
        else
            kill -KILL "$pid"
        fi
        while alive "$pid" "$ticks"; do sleep 0.05; done
        [ -z "$by_unit" ] || await_unit
        say "killed $pid"
        exit 0
    fi
    sleep 0.05
    looks=$((looks + 1))
done
[ -z "$by_unit" ] || await_unit
say "stopped $pid"
