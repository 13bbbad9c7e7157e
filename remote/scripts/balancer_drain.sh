# Wait until no request can be in flight to a worker any more: the old processes of nginx, which may still pass
# one to it, are gone. If no old process is known, the connections to the worker tell.
# Values: OLD (pid.ticks ...), ADDRESSES (in the form of /proc/net/tcp), LIMIT_SECONDS
# Output: open COUNT, drained, limit COUNT
end_with_client

count_old() {
    eval "set -- $OLD"
    count=0
    for process; do
        if alive "${process%.*}" "${process#*.}"; then count=$((count + 1)); fi
    done
    echo "$count"
}

count_open() {
    cat /proc/net/tcp /proc/net/tcp6 2> /dev/null | awk -v addresses="$ADDRESSES" '
        BEGIN { split(addresses, list, " "); for (i in list) wanted[list[i]] = 1 }
        $4 == "01" && ($3 in wanted) { count++ }
        END { print count + 0 }'
}

before=
deadline=$(($(date +%s) + LIMIT_SECONDS))
while :; do
    old=$(count_old)
    open=$(count_open)
    if [ -n "$OLD" ]; then left=$old; else left=$open; fi
    [ "$left" != 0 ] || { say "drained"; exit 0; }
    if [ "$(date +%s)" -ge $deadline ]; then say "limit $open"; exit 0; fi
    [ "$open" = "$before" ] || say "open $open"
    before=$open
    sleep 0.1
done
