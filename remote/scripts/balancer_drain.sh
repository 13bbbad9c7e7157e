# Wait until no request can be in flight to a worker any more: nginx's old processes, which may
# still hand it one, are gone. Where no old process is known, its connections tell.
# OLD(pid.ticks ...) ADDRESSES(forms of /proc/net/tcp) LIMIT_SECONDS
end_with_client

old_ones() {
    eval "set -- $OLD"
    count=0
    for one; do
        if alive "${one%.*}" "${one#*.}"; then count=$((count + 1)); fi
    done
    echo "$count"
}

open_ones() {
    cat /proc/net/tcp /proc/net/tcp6 2> /dev/null | awk -v addresses="$ADDRESSES" '
        BEGIN { split(addresses, list, " "); for (i in list) wanted[list[i]] = 1 }
        $4 == "01" && ($3 in wanted) { count++ }
        END { print count + 0 }'
}

before=
deadline=$(($(date +%s) + LIMIT_SECONDS))
while :; do
    old=$(old_ones)
    open=$(open_ones)
    if [ -n "$OLD" ]; then left=$old; else left=$open; fi
    [ "$left" != 0 ] || { say "drained"; exit 0; }
    if [ "$(date +%s)" -ge $deadline ]; then say "limit $open"; exit 0; fi
    [ "$open" = "$before" ] || say "open $open"
    before=$open
    sleep 0.1
done
