# What the other scripts share; each is run as root in a container.
folder=/var/lib/provision-faults
home=/opt/faults/as

# The pids of the servers below /opt/faults; the brackets keep grep from finding itself.
servers() {
    for cmdline in $(grep -lsa -e '-Dcarbon[.]home=/opt/faults/' /proc/[0-9]*/cmdline); do
        echo "$cmdline" | cut -d / -f 3
    done
}

scripts_of_servers() {
    for cmdline in $(grep -lsa 'wso2server[.]sh' /proc/[0-9]*/cmdline); do
        pid=$(echo "$cmdline" | cut -d / -f 3)
        case $(readlink "/proc/$pid/cwd") in /opt/faults/*) echo "$pid" ;; esac
    done
}

ticks() { sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | cut -d ' ' -f 20; }
