# Leave a host as it was before setup.sh.
for pid in $(servers) $(scripts_of_servers); do kill -KILL "$pid" 2> /dev/null; done
for area in /opt/faults /opt/faults /etc /etc /tmp /tmp; do
    ! grep -q "^faults $area " /proc/mounts || umount -l "$area"
done
rm -rf "$folder" /opt/faults
