#!/bin/sh
# Take or refuse a new state of one of nginx's vhost files, for a login that may turn workers and do nothing else.
# root installs this file, owns it and the vhosts, and sudoers names the one argument that a login may give.
#
#   carbon-provision-rotation /etc/nginx/conf.d/NAME.conf.provision-new < the new file
#
# The new file is written beside NAME.conf if it is that file, line by line, but for what stands of its workers:
# `down` and `max_fails=0` may come and go, and a worker may be struck (`# removed: NAME`). What is written is what
# was judged, and not what came.
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 022

fail() {
    echo "carbon-provision-rotation: ${new:-usage}: $*" >&2
    exit 3
}

new=${1-}
file=${new%.provision-new}
[ $# -eq 1 ] && [ "$file" != "$new" ] || fail "the argument is /DIRECTORY/NAME.conf.provision-new"
case $file in
    *'/../'* | *'/./'*) fail "the path is not plain" ;;
    /*.conf) ;;
    *) fail "the path does not end with .conf" ;;
esac
[ -f "$file" ] && [ ! -L "$file" ] || fail "root has not written $file"

taken=$(mktemp "$new.XXXXXX") || fail "cannot write beside $file"
trap 'rm -f "$taken"' EXIT
head -c 1048576 | awk '
    # read_line: its kind (server, removed, nobody or other), whose it is, and what it says but for its state
    function read_line(line,   n, i, word, half) {
        kind = "other"; name = ""; says = ""
        if (line == "    server 127.0.0.1:9 down;") { kind = "nobody"; return }
        if (line ~ /^[ \t]*# removed: [A-Za-z0-9][A-Za-z0-9._-]*$/) {
            kind = "removed"; name = line; sub(/.*: /, "", name); return
        }
        if (line !~ /^[ \t]*server[ \t][^;#]*;[ \t]*#[ \t]*[A-Za-z0-9][A-Za-z0-9._-]*$/) return
        kind = "server"; name = line; sub(/.*#[ \t]*/, "", name)
        split(line, half, ";")
        n = split(half[1], word, /[ \t]+/)
        for (i = 1; i <= n; i++)
            if (word[i] != "" && word[i] != "down" && word[i] != "max_fails=0") says = says " " word[i]
    }
    function refuse() { refused = 1; exit 1 }
    { read_line($0) }
    phase == 1 {
        if (kind == "nobody") next
        form[++count] = kind == "other" ? "other " $0 : "worker " name
        if (kind == "server") known[name, says] = 1
        next
    }
    kind == "nobody" { if (form[at] !~ /^worker /) refuse(); print; next }
    {
        at++
        if (at > count || form[at] != (kind == "other" ? "other " $0 : "worker " name)) refuse()
        if (kind == "server" && !((name, says) in known)) refuse()
        print
    }
    END { if (refused || at != count) exit 1 }
' phase=1 "$file" phase=2 - > "$taken" 2> /dev/null || fail "it differs from $file in more than the state of workers"
chmod 644 "$taken" && mv -f "$taken" "$new" || fail "cannot write it"
