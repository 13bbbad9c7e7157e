# Tell everything that a plan needs, in one round trip, and change nothing.
# HOME_DIR JAVA_DIR FILES PRESENT JAR DRIVER_ENTRY LOCK ASKED(name pattern ...)
say "survey 1"
say "user $(id -un)"
date '+now %s%nzone %z'
say "boot $(sed -n 's/^btime //p' /proc/stat)"
holder=$(readlink "$LOCK") && say "lock $holder"

[ -d "$HOME_DIR" ] || { say "home missing"; [ -e "$HOME_DIR" ] && say "home blocked"; }
if HOME_REAL=$(cd "$HOME_DIR" 2>/dev/null && pwd -P); then say "home $HOME_REAL"
elif [ -d "$HOME_DIR" ]; then say "home closed"
fi
[ -w "$HOME_DIR" ] && say "writable $HOME_DIR"
disk=$HOME_DIR
[ -d "$disk" ] || disk=${HOME_DIR%/*}
free=$(df -Pk "$disk" 2>/dev/null)
set -- ${free##*"$NEWLINE"}
say "disk_kb ${4-}"
[ -n "$JAVA_DIR" ] || JAVA_DIR=${JAVA_HOME-}
if [ -x "$JAVA_DIR/bin/java" ]; then say "java $JAVA_DIR"; else say "java_missing $JAVA_DIR"; fi

awk '/\|--/ { address = $2 } /host LOCAL/ { print "address", address }' /proc/net/fib_trie
mounts=$(cat /proc/self/mountinfo)
case $mounts in *' /etc/hosts '*) say "hosts_mounted yes" ;; esac
[ -e /etc/hosts.provision-new ] && say "hosts_leftover yes"

pid=
if [ -n "$HOME_REAL" ]; then
    eval "set -- $PRESENT"
    for path; do [ -e "$HOME_DIR/$path" ] && say "present $path"; done
    if [ -f "$HOME_DIR/bin/version.txt" ]; then
        IFS= read -r line < "$HOME_DIR/bin/version.txt"
        say "version $line"
    fi
    if [ -f "$HOME_DIR/bin/wso2carbon-version.txt" ]; then
        IFS= read -r line < "$HOME_DIR/bin/wso2carbon-version.txt"
        say "kernel $line"
    fi
    eval "set -- $FILES"
    for path; do [ -L "$HOME_DIR/$path" ] && say "symlink $path"; done

    cd "$HOME_DIR/repository/components/lib" 2>/dev/null && for jar in *.jar; do
        [ -f "$jar" ] || continue
        marks=-
        [ -n "$DRIVER_ENTRY" ] && grep -qaF "$DRIVER_ENTRY" "$jar" && marks=driver
        sum=-
        if [ "$marks" = driver ] || [ "$jar" = "$JAR" ]; then sum=$(digest "$jar"); fi
        say "jar $sum $marks $jar"
    done
    cd "$HOME_DIR/repository/components/dropins" 2>/dev/null && for jar in *.jar; do
        [ -f "$jar" ] && say "dropin $jar"
    done

    server=$HOME_DIR/repository/deployment/server
    if [ -L "$server" ]; then say "deployment link $(cd "$server" 2>/dev/null && pwd -P)"
    elif [ ! -d "$server" ]; then say "deployment missing"
    elif case $mounts in *" $HOME_REAL/repository/deployment/server "*) ;; *) false ;; esac; then
        say "deployment mount"
    elif [ -n "$(ls -A "$server")" ]; then say "deployment filled"
    else say "deployment empty"
    fi

    log=$HOME_DIR/repository/logs/wso2carbon.log
    [ -f "$log" ] && { [ -r "$log" ] && say "log readable" || say "log unreadable"; }

    own=$HOME_DIR/.provision
    eval "set -- $ASKED"
    if [ $# -gt 0 ] && [ -f "$own/console.log" ]; then
        tail -n 20 "$own/console.log" | cut -b 1-1000 | sed 's/^/said console /'
    fi
    while [ $# -ge 2 ] && cd "$HOME_DIR/repository/logs" 2>/dev/null; do
        # The newest files, rotated ones too, the oldest first; of each its end alone.
        ls -tr wso2carbon.log wso2carbon.log.* wso2carbon-[0-9]*.log 2>/dev/null | tail -n 8 |
            while IFS= read -r name; do tail -c 33554432 "$name"; done 2>/dev/null |
            grep -aE -e "$2" | tail -n 1000 | cut -b 1-1000 | sed "s/^/said $1 /"
        shift 2
    done
    [ -f "$own/journal" ] && say "journal $(cat "$own/journal")"
    [ -d "$own/staged" ] && say "staged yes"
    [ -f "$own/cloned" ] && sed 's/^/cloned /' "$own/cloned"
    [ -f "$own/first-start" ] && say "first_start $(cat "$own/first-start")"
    [ -d "$own/generations" ] && for kept in "$own"/generations/*/; do
        kept=${kept%/}
        [ -f "$kept/meta" ] && say "generation ${kept##*/} $(tr '\n' '\t' < "$kept/meta")"
    done

    if pid=$(carbon_pid); then
        ticks=$(start_ticks "$pid")
        say "process $pid $ticks"
        say "cmdline $(tr '\0' '\t' < "/proc/$pid/cmdline")"
        stamp=
        known=no
        if [ -f "$own/record" ]; then
            record=$NEWLINE$(cat "$own/record")$NEWLINE
            case $record in *"${NEWLINE}pid=$pid$NEWLINE"*) known=yes ;; esac
            case $record in *"${NEWLINE}ticks=$ticks$NEWLINE"*) ;; *) known=no ;; esac
        fi
        if [ $known = yes ]; then
            stamp=$own/started
            sed 's/^/record /' "$own/record"
        elif [ -f "$own/starting" ] && [ "$ticks" -ge "$(sed -n 's/^after=//p' "$own/starting")" ]; then
            # The start was cut off before its process was seen: it is this one.
            stamp=$own/started
            sed 's/^/record /' "$own/starting"
            say "record pid=$pid"
            say "record ticks=$ticks"
        fi
        say "stamped ${stamp:+yes}"
        if [ -n "$stamp" ]; then
            find "$HOME_DIR/repository/conf" "$HOME_DIR/repository/components/lib" \
                "$HOME_DIR/bin" -type f -newer "$stamp" 2>/dev/null | sed 's/^/newer /'
        else
            find "$HOME_DIR/repository/conf" "$HOME_DIR/repository/components/lib" \
                "$HOME_DIR/bin" -type f -exec stat -c 'mtime %Y %n' {} + 2>/dev/null |
                awk -v since="$(awk -v t="$ticks" '/^btime/ { print int($2 + t / 100) }' /proc/stat)" \
                    '$2 > since + 1'
        fi
    else
        pid=
    fi
fi

{
    [ -n "$pid" ] && ls -l "/proc/$pid/fd" 2>/dev/null
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null
} | awk '$NF ~ /^socket:/ { own[substr($NF, 9, length($NF) - 9)] = 1 }
    $4 == "0A" { n = split($2, part, ":"); print "listen", part[n], ($10 in own) ? "own" : "other" }'

eval "set -- $FILES"
asked=$#
for path; do
    [ -f "$HOME_DIR/$path" ] || continue
    if [ -r "$HOME_DIR/$path" ]; then set -- "$@" "$path"; else say "unreadable $path"; fi
done
shift "$asked"
say "hosts_size $(wc -c < /etc/hosts)"
say "files"
cat /etc/hosts
[ $# -eq 0 ] || tar -cf - -b 1 -h -C "$HOME_DIR" -- "$@"
