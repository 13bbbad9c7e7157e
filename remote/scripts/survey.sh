# Tell everything that a plan needs, in one round trip, and change nothing.
# HOME_DIR JAVA_DIR FILES PRESENT JAR DRIVER_ENTRY LOCK
say "survey 1"
say "user $(id -un)"
say "now $(date +%s)"
say "boot $(sed -n 's/^btime //p' /proc/stat)"
holder=$(readlink "$LOCK") && say "lock $holder"

[ -d "$HOME_DIR" ] || { say "home missing"; [ -e "$HOME_DIR" ] && say "home blocked"; }
HOME_REAL=$(cd "$HOME_DIR" 2>/dev/null && pwd -P) && say "home $HOME_REAL"
[ -w "$HOME_DIR" ] && say "writable $HOME_DIR"
disk=$HOME_DIR
[ -d "$disk" ] || disk=${HOME_DIR%/*}
df -Pk "$disk" 2>/dev/null | awk 'NR == 2 { print "disk_kb", $4 }'
[ -n "$JAVA_DIR" ] || JAVA_DIR=${JAVA_HOME-}
if [ -x "$JAVA_DIR/bin/java" ]; then say "java $JAVA_DIR"; else say "java_missing $JAVA_DIR"; fi

awk '/\|--/ { address = $2 } /host LOCAL/ { print "address", address }' /proc/net/fib_trie | sort -u
if grep -q ' /etc/hosts ' /proc/self/mountinfo; then say "hosts_mounted yes"; fi
[ -e /etc/hosts.provision-new ] && say "hosts_leftover yes"

pid=
if [ -n "$HOME_REAL" ]; then
    eval "set -- $PRESENT"
    for path; do [ -e "$HOME_DIR/$path" ] && say "present $path"; done
    [ -f "$HOME_DIR/bin/version.txt" ] && say "version $(head -n 1 "$HOME_DIR/bin/version.txt")"
    [ -f "$HOME_DIR/bin/wso2carbon-version.txt" ] &&
        say "kernel $(head -n 1 "$HOME_DIR/bin/wso2carbon-version.txt")"
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
    elif grep -qF " $HOME_REAL/repository/deployment/server " /proc/self/mountinfo; then
        say "deployment mount"
    elif [ -n "$(ls -A "$server")" ]; then say "deployment filled"
    else say "deployment empty"
    fi

    log=$HOME_DIR/repository/logs/wso2carbon.log
    [ -f "$log" ] && { [ -r "$log" ] && say "log readable" || say "log unreadable"; }

    own=$HOME_DIR/.provision
    [ -f "$own/journal" ] && say "journal $(cat "$own/journal")"
    [ -d "$own/staged" ] && say "staged yes"
    [ -f "$own/record" ] && sed 's/^/record /' "$own/record"
    [ -d "$own/generations" ] && for kept in "$own"/generations/*/; do
        kept=${kept%/}
        [ -f "$kept/meta" ] && say "generation ${kept##*/} $(tr '\n' '\t' < "$kept/meta")"
    done

    if pid=$(carbon_pid); then
        ticks=$(start_ticks "$pid")
        say "process $pid $ticks"
        say "cmdline $(tr '\0' '\t' < "/proc/$pid/cmdline")"
        stamp=
        [ "$(sed -n 's/^pid=//p' "$own/record" 2>/dev/null)" = "$pid" ] &&
            [ "$(sed -n 's/^ticks=//p' "$own/record")" = "$ticks" ] && stamp=$own/started
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
    [ -n "$pid" ] && ls -l "/proc/$pid/fd" 2>/dev/null |
        sed -n 's/.*socket:\[\([0-9]*\)\]$/own \1/p'
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null
} | awk '$1 == "own" { own[$2] = 1 }
    $4 == "0A" { n = split($2, part, ":"); print "listen", part[n], ($10 in own) ? "own" : "other" }' |
    sort -u

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
