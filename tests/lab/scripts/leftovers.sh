# Print what a run must not leave behind on a server. A shell whose parent is outside of the
# container is one of the tests' own.
ps -eo pid,ppid,user,args --no-headers | awk -v own=$$ '
    $1 == own || $2 == own || $2 == 0 || /<defunct>$/ { next }
    $4 ~ /boot$/ || $4 == "nginx:" || $4 ~ /mariadbd$/ { next }
    $4 == "sshd:" && /\[listener\]/ { next }
    $4 ~ /^\/lib\/systemd\/|^\(sd-pam\)|dbus-daemon$/ { next }
    / org\.wso2\.carbon\.bootstrap\.Bootstrap/ || /wso2server\.sh/ { next }
    { print "process:", $0 }'
for path in /tmp/carbon-provision.lock*/* /etc/hosts.provision-new /opt/wso2/*/.provision/staged \
    /opt/wso2/*/.provision/journal /opt/wso2/*/.provision/*.new /opt/wso2/*/password-tmp \
    /opt/wso2/.*.provision-clone; do
    if [ -e "$path" ] || [ -L "$path" ]; then echo "file: $path"; fi
done
