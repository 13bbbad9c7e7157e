# Start the server as the guide does, detached from this session, and go on following its log. It comes after
# `await`, and after the swap if there is one, and waits for the places from which the logs of the manager and the
# ELB are followed. Once it has these, it goes on until the process is seen and noted, whatever becomes of its
# client; then `record` waits for what was verified.
# Values: HOME_DIR, JAVA_DIR, ARGUMENTS, ENVIRONMENT, GIVEN, KEYSTORE_PASSWORD, SEEN_SECONDS, RUN
# Values: BY_CONSOLE (`yes`: its log cannot say that it started, its console can)
# Values: UNIT (of systemd that starts it, or empty: its script does), ONCE (an argument for this start of a unit)
# Input: two lines, each INODE OFFSET or empty
# Output: ready, seen PID TICKS, cmdline WORDS, console LINE, other PID, unseen, ended, gone
say ready
read -r manager_log && read -r elb_log || exit 0
trap '' PIPE
cd -P "$HOME_DIR" || fail 1 "AS_HOME $HOME_DIR is gone"
HOME_REAL=$PWD
[ ! -f "$own/journal" ] || fail 8 "an interrupted run left its journal open ($(head -n 1 "$own/journal")): files may be a mixture"
if find_carbon; then fail 8 "it already runs (pid $pid)"; fi
[ -n "$JAVA_DIR" ] || JAVA_DIR=${JAVA_HOME-}
[ -x "$JAVA_DIR/bin/java" ] || fail 1 "JAVA_HOME $JAVA_DIR has no bin/java"

open_log || fail 1 "cannot open $log"
console=$own/console.log
if [ ! -d "$own" ]; then
    step start-state
    mkdir "$own" || fail 1 "cannot write in $HOME_DIR"
fi
if [ -n "$KEYSTORE_PASSWORD" ]; then
    step password
    printf '%s\n' "$KEYSTORE_PASSWORD" > "$HOME_DIR/password-tmp" || fail 1 "cannot write password-tmp"
    password_given=yes
fi
step console
if [ -f "$console" ]; then mv -f "$console" "$console.1"; fi && : > "$console" || fail 1 "cannot write $console"

logs="run=$RUN
given=$GIVEN
own_log=$own_log
manager_log=$manager_log
elb_log=$elb_log"

# If this script does not live to see the process, it is the process that began after `after`. What the record said
# before was of a process that is gone.
read_ticks $$
step record-begin
[ ! -e "$own/record.new" ] || rm -f "$own/record.new"
if ! printf '%s\n' "after=$ticks" "$logs" > "$own/record"; then
    rm -f "$own/record"
    fail 1 "cannot write in $own"
fi
[ ! -e "$own/removed" ] || rm -f "$own/removed"
step started
: > "$own/started" || fail 1 "cannot write in $own"

# start_by_unit: systemd starts it; into `script`, its main process.
start_by_unit() {
    if [ -n "$ONCE" ]; then printf '%s\n' "$ONCE" > "$own/once" || fail 1 "cannot write in $own"; fi
    sudo -n systemctl reset-failed "$UNIT" 2> /dev/null # or it counts this start among too many
    sudo -n systemctl start "$UNIT" < /dev/null || fail 1 "systemctl cannot start $UNIT"
    script=$(systemctl show -p MainPID -- "$UNIT")
    script=${script#*=}
}

step start
if [ -n "$UNIT" ]; then
    start_by_unit
else # as the guide does it, detached
    (
        umask "$GIVEN_UMASK"
        unset CARBON_HOME
        if [ -n "$GIVEN_LC_ALL" ]; then LC_ALL=$GIVEN_LC_ALL; else unset LC_ALL; fi
        JAVA_HOME=$JAVA_DIR
        export JAVA_HOME
        eval "set -- $ENVIRONMENT"
        for setting; do export "${setting%%=*}=${setting#*=}"; done
        eval "set -- $ARGUMENTS"
        trap - PIPE
        trap '' HUP # as nohup does, without its process
        cd "$HOME_DIR/bin" && exec sh wso2server.sh "$@" > "$console" 2>&1 < /dev/null
    ) &
    script=$!
fi

# follow_log_path: follow the log that the command line of the JVM names, if any, and let the record name that place.
follow_log_path() {
    moved=
    if read_log_path && [ ! "$log_path" -ef "$log" ]; then
        place=$(stat -L -c '%i %s' -- "$log_path" 2> /dev/null) || place='0 0'
        follow_file "$log_path" "${place#* }"
        moved=own_log=$place
    fi
}

# find_begun: into `pid`, the server among the children of the start script. It costs no process if the kernel lists
# children; if it does not, or the server is further down, find_carbon finds it.
find_begun() {
    begun=
    { read -r begun < "/proc/$script/task/$script/children"; } 2> /dev/null
    for pid in $script $begun; do
        name=
        { read -r name < "/proc/$pid/comm"; } 2> /dev/null
        [ "$name" != java ] || ! is_carbon "$pid" || return 0
    done
    return 1
}

# say_console: cut ends each line, also the last, which a full disk may have cut short.
say_console() { tail -n 20 "$console" | cut -b 1-1000 | sed 's/^/console /'; }

waited=0 # milliseconds
pause=4
until find_begun || { [ $waited -ge 50 ] && find_carbon; }; do
    if [ ! -d "/proc/$script" ] || [ $waited -ge $((SEEN_SECONDS * 1000)) ]; then
        say_console
        [ -z "$UNIT" ] || systemctl show -p Result -p ExecMainStatus -- "$UNIT" | sed "s/^/console $UNIT: /"
        [ -d "/proc/$script" ] && say "unseen" || say "ended"
        exit 0
    fi
    [ $waited -lt 100 ] || pause=10
    [ $waited -lt 500 ] || pause=50
    sleep "0.0$((pause / 10))$((pause % 10))"
    waited=$((waited + pause))
done
[ -z "$UNIT" ] || in_unit "$pid" "$UNIT" || fail 8 "the server that runs (pid $pid) does not belong to $UNIT"
read_ticks "$pid" || ticks= # it is gone already
say "seen $pid $ticks"
tell_cmdline
follow_log_path
step record
printf '%s\n' "pid=$pid" "ticks=$ticks" ${moved:+"$moved"} >> "$own/record"

main=$$
began=$ticks
{
    looks=0
    while alive "$pid" "$began" && [ -d "/proc/$main" ] && read_ticks "$following"; do
        sleep 0.2
        looks=$((looks + 1))
        # Somebody else may have started a second one meanwhile.
        [ $((looks % 10)) -ne 4 ] || tell_homes | tell_others
        # Stock log4j writes to the console, too: it counts if the log does not grow, or cannot tell.
        if [ $looks -eq 25 ] && [ -z "$moved" ] && { [ -n "$BY_CONSOLE" ] || [ ! "$log" -nt "$own/started" ]; }; then
            follow_file "$console" 0
        fi
    done
    if [ -d "/proc/$main" ]; then
        say_console
        alive "$pid" "$began" || say gone
        kill "$main"
    fi
} 2> /dev/null &
watching=$!
