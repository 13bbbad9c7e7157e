# Report everything that a plan needs, in one round trip, and change nothing. Each process that it starts costs a
# millisecond of every deploy: the shell itself does what it can.
# Values: HOME_DIR, JAVA_DIR, ENVIRONMENT, FILES, PRESENT, JAR, DRIVER_PATTERN, LOCK, ASKED (name pattern ...)
# Values: ARTIFACTS (paths), WATCHED (absolute paths: a change wants a restart)
# Values: MEMBER (an expression: what a log says of the member that it has to see, or empty)
# Values: SECRET_FILES (patterns of paths in AS_HOME)
# Values: UNIT (of systemd, or empty), UNIT_PROPERTIES (for systemctl show)
# Output: lines that carbon/home/facts.py explains, `files`, then a tar
answer=
say() {
    flatten "$*"
    answer=$answer$flat$NEWLINE
}
say "facts 1"
say "user ${LOGNAME:-$(id -un)}"
if find_lock "$LOCK" && [ -L "$lock" ] && holder=$(readlink "$lock"); then
    say "lock $holder"
    holder_lives "$holder" || say "lock_dead yes"
fi

# tell WORD FILE: every line of it, after the word.
tell() {
    while IFS= read -r line || [ -n "$line" ]; do say "$1 $line"; done < "$2"
}

# tell_first WORD FILE: its first line, after the word, if there is a file that can be read.
tell_first() {
    [ -f "$2" ] && [ -r "$2" ] || return 0
    IFS= read -r line < "$2"
    say "$1 $line"
}

# look_through_files: the sockets of the server, the files that changed after it had read them, when its log grew, which
# files with secrets everybody may read, and which folders on the way to them not everybody enters; one process for all.
look_through_files() {
    cd "$HOME_DIR" 2> /dev/null || return 0
    set -- repository/conf repository/resources/security
    for path in password password-tmp password-persist; do
        [ ! -f "$path" ] || [ -L "$path" ] || set -- "$@" "$path"
    done
    if [ -f "$stamp" ]; then
        set -- "$@" repository/components/lib bin
        eval "set -- \"\$@\" $WATCHED"
    fi
    [ -z "$pid" ] || set -- "$@" "/proc/$pid/fd" "$log"
    set -- "$@" repository repository/resources
    parent=$HOME_REAL
    parents=
    while [ -n "$parent" ]; do
        parent=${parent%/*}
        [ ! -d "$parent" ] || { set -- "$@" "$parent" && parents="$parents $#"; }
    done
    set -- "$@" -path "*$NEWLINE*" -prune -o -type d '!' -perm -001 -printf 'closed %p\n' -a '!' -type d
    set -- "$@" -o '(' -path repository -o -path repository/resources
    for parent in $parents; do eval "set -- \"\$@\" -o -samefile \"\${$parent}\""; done
    set -- "$@" ')' -prune -o -type f -perm -004 '(' -path ''
    eval "for pattern in $SECRET_FILES; do set -- \"\$@\" -o -path \"\$pattern\"; done"
    set -- "$@" ')' -printf 'readable_secret %m %u %p\n' -a '!' -type f
    if [ -n "$pid" ]; then
        set -- "$@" -o -type l -lname 'socket:*' -printf '%l\n'
        [ ! -f "$log" ] || set -- "$@" -o -type f -samefile "$log" -printf 'log_at %T@ %s\n'
        [ ! -f "$stamp" ] || set -- "$@" -o -type f -newer "$stamp" -printf 'newer %p\n'
    fi
    find -H "$@" 2> /dev/null
}

# tell_logind: does systemd-logind end what a login leaves behind? The last of these lines counts.
tell_logind() {
    for path in /usr/lib/systemd/logind.conf.d/*.conf /etc/systemd/logind.conf /run/systemd/logind.conf.d/*.conf \
        /etc/systemd/logind.conf.d/*.conf; do
        [ ! -r "$path" ] || while read -r line; do
            case $line in KillUserProcesses=*) kills=${line#*=} ;; esac
        done < "$path"
    done
    case $kills in [yY]* | true | on | 1) say "ends_sessions yes" ;; esac
}

# tell_unit: what systemd knows of the unit, and the text of its file.
tell_unit() {
    say "unit_name $UNIT"
    path=
    shown=$(systemctl show -p "$UNIT_PROPERTIES" -- "$UNIT" 2> /dev/null)
    while IFS= read -r line; do
        case $line in FragmentPath=*) path=${line#*=} ;; esac
        say "unit $line"
    done << END
$shown
END
    [ -z "$path" ] || [ ! -r "$path" ] || tell unit_text "$path"
}

# tell_unlike: what of JAVA_HOME and ENVIRONMENT the process does not have. Another account may not see that.
tell_unlike() {
    java=${words#"$NEWLINE"} # as it was called: bin/java may be a script that leads to another
    java=${java%%"$NEWLINE"*}
    if [ -n "$wanted_java" ] && [ -e "/proc/$pid/exe" ] && ! [ "/proc/$pid/exe" -ef "$wanted_java" ] &&
        ! [ "$java" -ef "$wanted_java" ]; then
        say "unlike JAVA_HOME"
    fi
    [ -n "$ENVIRONMENT" ] && given=$(tr '\0' '\n' 2> /dev/null < "/proc/$pid/environ") && [ -n "$given" ] || return 0
    set --
    eval "set -- $ENVIRONMENT"
    for setting; do
        case $NEWLINE$given$NEWLINE in
            *"$NEWLINE$setting$NEWLINE"*) ;;
            *) say "unlike ${setting%%=*}" ;;
        esac
    done
}

# tell_artifacts: what is there of the files that hosts.yaml brings or takes away, and links on the way to them.
tell_artifacts() {
    eval "set -- $ARTIFACTS"
    [ $# -gt 0 ] || return 0
    last=
    regular=
    for path; do
        case $path in */*) folder=${path%/*} ;; *) folder=. ;; esac
        while [ ! -e "$HOME_DIR/$folder" ] && [ "$folder" != "${folder%/*}" ]; do folder=${folder%/*}; done
        if [ "$folder" != "$last" ] && [ "$folder" != . ] && cd -P "$HOME_DIR/$folder" 2> /dev/null &&
            [ "$PWD" != "$HOME_REAL/$folder" ]; then
            say "artifact_link $folder$TAB$PWD"
        fi
        last=$folder
        if [ -L "$HOME_DIR/$path" ]; then say "symlink $path"; fi
        if [ ! -e "$HOME_DIR/$path" ]; then :
        elif [ ! -f "$HOME_DIR/$path" ]; then say "artifact_folder $path"
        elif [ ! -r "$HOME_DIR/$path" ]; then say "unreadable $path"
        else regular=$regular$path$NEWLINE
        fi
    done
    [ -n "$regular" ] && cd "$HOME_DIR" || return 0
    separators=$IFS
    IFS=$NEWLINE
    set -f
    # shellcheck disable=SC2086 # split on purpose
    set -- $regular
    set +f
    IFS=$separators
    answer=$answer$(stat -L -c 'artifact_stat %a %s %n' -- "$@" && sha256sum -- "$@" | sed 's/^/artifact_hash /')$NEWLINE
}

if [ -d /run/systemd/system ]; then
    say "systemd yes"
    kills=
    tell_logind
    [ -z "$UNIT" ] || tell_unit
elif [ -n "$UNIT" ]; then
    say "unit_name $UNIT"
fi

HOME_REAL=
if [ ! -d "$HOME_DIR" ]; then
    if [ -e "$HOME_DIR" ]; then say "home blocked"; else say "home missing"; fi
elif cd -P "$HOME_DIR" 2>/dev/null; then
    HOME_REAL=$PWD
    say "home $HOME_REAL"
else
    say "home closed"
fi
[ -w "$HOME_DIR" ] && say "writable $HOME_DIR"
disk=$HOME_DIR
[ -d "$disk" ] || disk=${HOME_DIR%/*}
free=$(df -Pk "$disk" 2>/dev/null)
# shellcheck disable=SC2086 # split on purpose
set -- ${free##*"$NEWLINE"}
say "disk_kb ${4-}"
wanted_java=${JAVA_DIR:+$JAVA_DIR/bin/java}
[ -n "$JAVA_DIR" ] || JAVA_DIR=${JAVA_HOME-}
if [ -x "$JAVA_DIR/bin/java" ]; then say "java $JAVA_DIR"; else say "java_missing $JAVA_DIR"; fi
[ -e /etc/hosts.provision-new ] && say "hosts_leftover yes"

pid=
stamp=
if [ -n "$HOME_REAL" ]; then
    eval "set -- $PRESENT"
    for path; do [ -e "$HOME_DIR/$path" ] && say "present $path"; done
    tell_first version "$HOME_DIR/bin/version.txt"
    tell_first kernel "$HOME_DIR/bin/wso2carbon-version.txt"
    eval "set -- $FILES"
    for path; do
        [ -L "$HOME_DIR/$path" ] && say "symlink $path"
        [ -f "$HOME_DIR/$path" ] && [ ! -r "$HOME_DIR/$path" ] && say "unreadable $path"
    done

    tell_artifacts

    if cd "$HOME_DIR/repository/components/lib" 2>/dev/null; then
        drivers=
        [ -z "$DRIVER_PATTERN" ] || drivers=$NEWLINE$(grep -lsaE -e "$DRIVER_PATTERN" -- *.jar)$NEWLINE
        for jar in *.jar; do
            [ -f "$jar" ] || continue
            marks=-
            case $drivers in *"$NEWLINE$jar$NEWLINE"*) marks=driver ;; esac
            sum=-
            if [ "$marks" = driver ] || [ "$jar" = "$JAR" ]; then
                sum=$(sha256sum < "$jar")
                sum=${sum%% *}
            fi
            say "jar $sum $marks $jar"
        done
    fi
    cd "$HOME_DIR/repository/components/dropins" 2>/dev/null && for jar in *.jar; do
        [ -f "$jar" ] && say "dropin $jar"
    done

    server=$HOME_DIR/repository/deployment/server
    if [ -L "$server" ] && [ ! -d "$server" ]; then say "deployment link"
    elif [ ! -d "$server" ]; then say "deployment missing"
    elif cd -P "$server" 2> /dev/null && [ "$PWD" != "$HOME_REAL/repository/deployment/server" ]; then
        say "deployment link $PWD" # it, or a directory above it
    elif is_filled "$server"; then say "deployment filled"
    else say "deployment empty"
    fi

    if find_carbon && read_ticks "$pid"; then process="$pid $ticks"; else pid=; fi
    find_log
    if [ -f "$log" ]; then
        [ -r "$log" ] && say "log readable" || say "log unreadable"
        [ "${log%/*}" = "$HOME_DIR/repository/logs" ] || say "log_path $log"
    fi
    place=$log # of what a start creates, the folder counts
    until [ -e "$place" ] || [ -z "$place" ]; do place=${place%/*}; done
    [ -w "$place" ] || say "log_unwritable yes"

    own=$HOME_DIR/.provision
    eval "set -- $ASKED"
    if [ $# -gt 0 ] && [ -f "$own/console.log" ]; then
        tail -n 20 "$own/console.log" | cut -b 1-1000 | sed 's/^/said console /'
    fi
    [ $# -eq 0 ] || say_last "said last"
    while [ $# -ge 2 ] && cd "${log%/*}" 2>/dev/null; do
        # The newest files, rotated ones too, the oldest first; of each its end alone.
        # shellcheck disable=SC2012 # the names are those of a pattern
        ls -Ltr wso2carbon.log wso2carbon.log.* wso2carbon-[0-9]*.log 2>/dev/null | tail -n 8 |
            while IFS= read -r name; do tail -c 33554432 "$name" && echo; done 2>/dev/null |
            grep -aE -e "$2" | tail -n 1000 | cut -b 1-1000 | sed "s/^/said $1 /"
        shift 2
    done
    [ -d "$own/staged" ] && say "staged yes"
    [ -f "$own/cloned" ] && tell cloned "$own/cloned"
    [ -f "$own/first-start" ] && tell first_start "$own/first-start"
    [ -d "$own/generations" ] && for kept in "$own"/generations/$GENERATIONS/; do
        kept=${kept%/}
        [ -f "$kept/meta" ] || continue
        meta=
        while IFS= read -r line || [ -n "$line" ]; do meta=$meta$line$TAB; done < "$kept/meta"
        say "generation ${kept##*/} $meta"
    done

    if [ -f "$own/journal" ]; then
        meta=
        { # cut off right before the generation had its meta, which stands here, too
            read -r kept
            while IFS= read -r line || [ -n "$line" ]; do meta=$meta$line$TAB; done
        } < "$own/journal"
        say "journal $kept"
        [ -f "$own/generations/$kept/meta" ] || [ -z "$meta" ] || say "generation $kept $meta"
    fi

    if [ -n "$pid" ] && [ -n "$MEMBER" ]; then
        tail -c 33554432 "$log" 2> /dev/null | grep -aE -e "$MEMBER" | tail -n 100 | cut -b 1-1000 | sed 's/^/said own /'
    fi
    if [ -n "$pid" ]; then
        ticks=${process#* }
        say "process $process"
        tell_cmdline
        tell_unlike
        read_record 'record '
        case $record_process in
            "$pid $ticks") stamp=$own/started ;;
            *' '*) ;;
            # The start was cut off before its process was noted: it is this one.
            *) [ "$ticks" -ge "$started_after" ] 2> /dev/null && stamp=$own/started ;;
        esac
        [ -z "$stamp" ] || answer="$answer${lines}record pid=$pid${NEWLINE}record ticks=$ticks$NEWLINE"
        say "stamped ${stamp:+yes}"
        if [ -z "$stamp" ]; then
            eval "set -- $WATCHED"
            find "$HOME_DIR/repository/conf" "$HOME_DIR/repository/components/lib" "$HOME_DIR/bin" "$@" \
                -path "*$NEWLINE*" -prune -o -type f -printf 'mtime %T@ %p\n' 2> /dev/null |
                awk -v ticks="$ticks" '
                    $1 == "btime" { since = int($2 + ticks / 100) }
                    $1 == "mtime" && int($2) > since + 1' /proc/stat -
        fi
    fi
fi

# tell_tables: in one go, addresses, boot time, mounts, listening ports and whose they are, and who started the
# server: its control group and the processes above it. Of ports `ss` tells if it is there: the kernel walks all of
# its table for /proc/net/tcp, which takes 10 ms.
tell_tables() {
    set -- /proc/net/fib_trie /proc/net/if_inet6 /proc/stat /proc/self/mountinfo
    case $ports in *LISTEN*ino:*) ;; *) ports= && set -- "$@" /proc/net/tcp /proc/net/tcp6 ;; esac
    [ -z "$pid" ] || set -- "$@" "/proc/$pid/cgroup"
    for table; do
        shift
        [ ! -r "$table" ] || set -- "$@" "$table"
    done
    { look_through_files; printf '%s\n' "$ports"; } | awk -v parent="$pid" '
    /^socket:/ { own[substr($1, 9, length($1) - 9)] = 1 }
    /^newer / || /^log_at / || /^readable_secret / || /^closed / { print }
    $1 == "LISTEN" {
        match($0, /ino:[0-9]+/)
        n = split($4, part, ":")
        printf "listen %X %s\n", part[n], (substr($0, RSTART + 4, RLENGTH - 4) in own) ? "own" : "other"
    }
    $4 == "0A" { n = split($2, part, ":"); print "listen", part[n], ($10 in own) ? "own" : "other" }
    /\|--/ { address = $2 }
    /host LOCAL/ { print "address", address }
    FILENAME == "/proc/net/if_inet6" && $4 != "20" { print "address6", $1 } # not of one link alone
    $1 == "btime" { print "boot", $2 }
    $5 == "/etc/hosts" { print "hosts_mounted yes" }
    FILENAME == "/proc/self/mountinfo" { gsub(/\\040/, " ", $5) }
    FILENAME == "/proc/self/mountinfo" && ENVIRON["MOUNTS"] != "" && index($5, ENVIRON["HOME_REAL"] "/") == 1 {
        print "mounted", substr($5, length(ENVIRON["HOME_REAL"]) + 2)
    }
    FILENAME == "/proc/self/mountinfo" && index($5, "/repository") {
        repository = ENVIRON["HOME_REAL"] "/repository"
        if ($5 == repository || $5 == repository "/deployment" || $5 == repository "/deployment/server")
            print "deployment_mounted yes"
    }
    /^0::\/./ || /^[0-9]+:name=systemd:\/./ { sub(/^[^\/]*/, ""); print "cgroup", $0 }
    END {
        while (parent > 1 && (getline line < ("/proc/" parent "/stat")) > 0) {
            name = line
            sub(/^[^(]*\(/, "", name)
            sub(/\)[^)]*$/, "", name)
            if (parents++) print "parent", parent, name
            sub(/.*\) /, "", line)
            split(line, field, " ")
            parent = field[2]
        }
        print "files"
    }' - "$@"
}

MOUNTS=${ARTIFACTS:+yes}
export HOME_REAL MOUNTS
# While all processes are looked through for further servers of this AS_HOME, `ss` reads the ports.
{ [ -z "$pid" ] || tell_homes; } | {
    ports=$(ss -ltne 2> /dev/null)
    [ -z "$pid" ] || tell_others
    printf %s "$answer"
    date '+now %s.%N%nzone %z' # this late: the logs above may take a while to be read
    tell_tables
}

eval "set -- $FILES"
asked=$#
for path; do
    if [ -f "$HOME_DIR/$path" ] && [ -r "$HOME_DIR/$path" ]; then set -- "$@" "$path"; fi
done
shift "$asked"
for folder in . repository/deployment/server; do # their modes alone
    if [ -d "$HOME_DIR/$folder" ] && [ -r "$HOME_DIR/$folder" ]; then set -- "$folder" "$@"; fi
done
[ $# -eq 0 ] || set -- -C "$HOME_DIR" -- "$@"
tar --hard-dereference --no-recursion -chf - -C /etc hosts "$@"
