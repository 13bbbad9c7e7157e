# End every server of this host as a crash would, and wait until they are gone.
for process in $(grep -lsaE '^[^ ]*/java' /proc/[0-9]*/cmdline | sed 's|/cmdline||'); do
    kill -KILL "${process#/proc/}"
    while [ -e "$process" ]; do sleep 0.02; done
done
