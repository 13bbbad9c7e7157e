# What every script knows of processes: which is the server of AS_HOME, and what the record says of it.
# Sets: pid, ticks, words, and what each function names.

# read_ticks PID: into `ticks`, when it started, in ticks since boot, and into `parent_pid` its parent; fails if
# the process is gone. A process that has ended is gone even if nobody has asked for its status yet (dash does
# not while it reads); it is not gone while one of its threads lives: a JVM still holds its ports then.
read_ticks() {
    { read -r status_line < "/proc/$1/stat"; } 2> /dev/null || return 1
    # shellcheck disable=SC2086 # split on purpose
    set -- ${status_line##*) }
    [ $# -ge 20 ] || return 1 # a process may name itself with a line break
    case $1 in Z | X | x) [ "${18}" -gt 1 ] || return 1 ;; esac
    parent_pid=$2
    ticks=${20}
}

start_ticks() { read_ticks "$1" && say "$ticks"; }

# is_home PID PATH: is the directory that a process names as PATH the same as HOME_DIR, however it is spelled? PATH
# is of the process's own root (a container) and working directory.
is_home() {
    case $2 in
        /*) if [ -d "/proc/$1/root/" ]; then set -- "/proc/$1/root$2"; else set -- "$2"; fi ;;
        *) set -- "/proc/$1/cwd/$2" ;;
    esac
    [ "$1" -ef "$HOME_DIR" ]
}

# is_carbon PID: is this process the server of HOME_DIR? Its arguments are in `words` then.
is_carbon() {
    words=$NEWLINE$(tr '\0' '\n' 2> /dev/null < "/proc/$1/cmdline")$NEWLINE
    case $words in *"${NEWLINE}org.wso2.carbon.bootstrap.Bootstrap$NEWLINE"*) ;; *) return 1 ;; esac
    case $words in *"$NEWLINE-Dcarbon.home="*) ;; *) return 1 ;; esac
    set -- "$1" "${words##*"$NEWLINE-Dcarbon.home="}"
    is_home "$1" "${2%%"$NEWLINE"*}"
}

# tell_cmdline: the arguments in `words`, a tab between them.
tell_cmdline() {
    set -f
    separators=$IFS
    IFS=$NEWLINE
    # shellcheck disable=SC2086 # split on purpose
    set -- ${words#"$NEWLINE"}
    IFS=$TAB
    say "cmdline $*"
    IFS=$separators
    set +f
}

# read_pid_file: into `pid`, what the server wrote: digits, a newline and NULs. The file outlives its process, and
# its number may belong to a stranger by now.
read_pid_file() {
    pid=
    { read -r pid < "$HOME_DIR/wso2carbon.pid"; } 2> /dev/null
    case $pid in *[!0-9]*) pid= ;; esac
}

# tell_homes: of each process that has a carbon.home, a line `/proc/PID/cmdline:-Dcarbon.home=PATH`. The pattern
# does not match itself in the arguments of grep.
tell_homes() { grep -saHo -e '-Dcarbon[.]home=[^[:cntrl:]]*' /proc/[0-9]*/cmdline; }

# read_candidates: into `candidates`, the pids of what tell_homes prints whose home is HOME_DIR.
read_candidates() {
    candidates=
    while IFS= read -r line; do
        entry=${line#/proc/}
        if is_home "${entry%%/*}" "${line#*/cmdline:-Dcarbon.home=}"; then candidates="$candidates ${entry%%/*}"; fi
    done
}

# find_carbon: into `pid`, the server of HOME_DIR.
find_carbon() {
    read_pid_file
    [ -z "$pid" ] || ! is_carbon "$pid" || return 0
    read_candidates << END
$(tell_homes)
END
    for pid in $candidates; do
        is_carbon "$pid" && return 0
    done
    pid=
    return 1
}

# tell_others: of what tell_homes prints, the pids of further servers of HOME_DIR beside `pid`.
tell_others() {
    read_candidates
    for candidate in $candidates; do
        [ "$candidate" = "$pid" ] || ! is_carbon "$candidate" || say "other $candidate"
    done
}

carbon_pid() { find_carbon && say "$pid"; }

# read_log_path: into `log_path`, the log that -Dcarbon.logs.path in the `words` of the server `pid` names; fails if
# it names none. It costs no process.
read_log_path() {
    log_path=
    case $words in *"$NEWLINE-Dcarbon.logs.path="*) ;; *) return 1 ;; esac
    log_path=${words##*"$NEWLINE-Dcarbon.logs.path="}
    log_path=${log_path%%"$NEWLINE"*}/wso2carbon.log
    case $log_path in /*) ;; *) log_path=/proc/$pid/cwd/$log_path ;; esac
}

# find_log: into `log`, where the server of HOME_DIR logs, given its `pid` and `words` if it runs: the file that its
# JVM was given, if that is there, or the usual place.
find_log() {
    log=$HOME_DIR/repository/logs/wso2carbon.log
    if [ -n "$pid" ] && read_log_path && [ -f "$log_path" ]; then log=$log_path; fi
}

# say_last WORD: the last line of `log` that has a time, behind WORD: with the time of the file it tells the zone
# in which the JVM logs.
say_last() {
    tail -c 16384 -- "$log" 2> /dev/null | grep -a '[0-9]:[0-5][0-9]:[0-5][0-9]' | tail -n 1 | cut -b 1-1000 |
        sed "s/^/$1 /"
}

# alive PID TICKS: does the process run that started then? `ticks` says when the present owner of PID started.
alive() { read_ticks "$1" && [ "$ticks" = "$2" ]; }

# in_unit PID UNIT: does the process belong to this service of systemd? Its control group says so, in the hierarchy
# of systemd or, with version 2, in the only one.
in_unit() {
    while IFS=: read -r _ group path; do
        case $group:$path in name=systemd:*/"$2" | :*/"$2") return 0 ;; esac
    done < "/proc/$1/cgroup"
    return 1
} 2> /dev/null

# read_record PREFIX: into `lines`, each behind PREFIX, what the last start put down and what was verified of it;
# into `record_process` the pid and the ticks of its process, into `started_after` the ticks after which that
# process began, and into `unended` what a full disk cut off: a line counts only with its end.
read_record() {
    lines='' record_process='' started_after='' unended=''
    [ -f "$own/record" ] && [ -r "$own/record" ] || return 0
    while IFS= read -r unended; do
        lines=$lines$1$unended$NEWLINE
        case $unended in
            after=*) started_after=${unended#after=} ;;
            pid=*) record_process=${unended#pid=} ;;
            ticks=*) record_process="$record_process ${unended#ticks=}" ;;
        esac
    done < "$own/record"
}

# find_lock PLACE: into `lock`, the link that says who works on this server, in a directory that only this account can
# write: PLACE.UID, of mode 700. Fails if the directory is not there, or is somebody else's.
find_lock() {
    while read -r word _ uid _; do [ "$word" != Uid: ] || break; done < /proc/self/status
    lock=$1.$uid/held
    [ -d "$1.$uid" ] && [ ! -L "$1.$uid" ] && [ -O "$1.$uid" ]
}

# holder_lives TEXT: does the process still run that took the lock with this text?
holder_lives() {
    case $1 in *" pid="*" ticks="*) ;; *) return 1 ;; esac
    set -- "${1##* pid=}"
    [ -n "${1%% *}" ] && alive "${1%% *}" "${1##* ticks=}"
}

# A script that goes on running ends when its client goes: its stdin is the lifeline.
end_with_client() {
    main=$$
    exec 3<&0
    { while read -r _; do :; done <&3; kill "$main"; } > /dev/null 2>&1 &
    lifeline=$!
    exec 3<&- < /dev/null
}
