# Make this host stock again, whatever a test did to it.
stock_hosts=/var/lib/lab/hosts.stock # kept aside the first time, without a block of ours

if [ "$LAB_ROLE" = systemd ]; then
    for unit in /etc/systemd/system/wso2*.service; do
        if [ -e "$unit" ] || [ -L "$unit" ]; then
            name=${unit##*/}
            [ "$(readlink "$unit")" != /dev/null ] || systemctl unmask --quiet "$name"
            systemctl disable --quiet --now "$name" 2> /dev/null || systemctl kill --signal=KILL "$name" || true
            rm -rf "$unit" "$unit.d"
        fi
    done
    systemctl daemon-reload
    systemctl reset-failed
fi

for process in $(grep -lsaE '^[^ ]*/java' /proc/[0-9]*/cmdline | sed 's|/cmdline||'); do
    kill -KILL "${process#/proc/}"
    while [ -e "$process" ]; do sleep 0.02; done
done

# What followed a log there may still be ending.
for mounted in $(awk '$2 ~ "^/opt/wso2/" { print $2 }' /proc/mounts); do
    tries=0
    until umount "$mounted" 2> /dev/null || [ $((tries += 1)) -ge 100 ]; do sleep 0.05; done
    if grep -q " $mounted " /proc/mounts; then umount "$mounted"; fi
done
rm -rf /opt/wso2/* /opt/wso2/.[a-z]* /tmp/carbon-provision.lock* /etc/hosts.provision-*

if [ "$LAB_ROLE" != bare ]; then
    cp -a /opt/pack /opt/wso2/as
    carbon-agent /opt/wso2/as "$LAB_AGENT"
    chown -R "$LAB_OWNER:$LAB_OWNER" /opt/wso2
    [ "$LAB_OWNER" = deploy ] || chmod 750 /opt/wso2/as
fi

[ -e $stock_hosts ] || sed '/^# carbon-provision: begin/,/^# carbon-provision: end/d' /etc/hosts > $stock_hosts
cmp -s $stock_hosts /etc/hosts || cat $stock_hosts > /etc/hosts
