# Wait until no script of the tool is at work here any more; print those that are left after $1 s.
at_work() {
    for cmdline in $(grep -lsa '[p]rovision:' /proc/[0-9]*/cmdline); do
        tr '\0' ' ' 2> /dev/null < "$cmdline" && echo
    done 2> /dev/null
}

waited=0
until left=$(at_work) && [ -z "$left" ] || [ $waited -ge $(($1 * 50)) ]; do
    sleep 0.02
    waited=$((waited + 1))
done
[ -z "$left" ] || echo "$left"
