# Report whether nginx runs and what its files say, in one round trip, and change nothing.
# Values: CONF_DIR, FILES (name ...)
# Output: balancer 1, nginx PID TICKS, boot, listen PORT, configured yes, files, then a tar
say "balancer 1"
for entry in $(grep -lsaF 'nginx: master process' /proc/[0-9]*/cmdline); do
    pid=${entry#/proc/}
    pid=${pid%/cmdline}
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = nginx ] || continue
    say "nginx $pid $(start_ticks "$pid")"
    say "boot $(sed -n 's/^btime //p' /proc/stat)"
    break
done
awk '$4 == "0A" { n = split($2, part, ":"); print "listen", part[n] }' /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    sort -u
[ -d "$CONF_DIR" ] && say "configured yes"
eval "set -- $FILES"
asked=$#
for name; do
    if [ -r "$CONF_DIR/$name" ]; then set -- "$@" "$name"; fi
done
shift "$asked"
say "files"
[ $# -eq 0 ] || tar -cf - -b 1 -h -C "$CONF_DIR" -- "$@"
