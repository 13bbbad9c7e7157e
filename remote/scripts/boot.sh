# Tell which boot this is, and what a reboot needs that systemd does not say of the unit: where AS_HOME is mounted from,
# whether that is mounted at boot, and whether root keeps the keystore password.
# Values: HOME_DIR, PASSWORD_FILE
# Output: boot ID, init TICKS (since when process 1 runs: the boot of a container), up SECONDS, mount POINT SOURCE TYPE,
# Output: mounted-at-boot, password present, password absent
read -r id < /proc/sys/kernel/random/boot_id && say "boot $id"
read -r stat < /proc/1/stat
# shellcheck disable=SC2086 # split on purpose
set -- ${stat##*) }
shift 19
say "init $1"
read -r up _ < /proc/uptime && say "up $up"
if [ -e "$PASSWORD_FILE" ]; then say "password present"; else say "password absent"; fi
home=$(readlink -f -- "$HOME_DIR") || exit 0
point='' source='' type=''
while read -r from at kind _; do
    at=$(printf %b "$at") # a blank is \040
    case $home/ in "${at%/}"/*) [ ${#at} -lt ${#point} ] || { point=$at source=$from type=$kind; } ;; esac
done < /proc/self/mounts
flatten "$point $source $type"
say "mount $flat"
if [ "$point" = / ]; then
    say mounted-at-boot
    exit 0
fi
while read -r _ at _ options _; do
    at=$(printf %b "$at")
    case $at:,$options, in *:*,noauto,*) ;; "$point:"*) say mounted-at-boot ;; esac
done < /etc/fstab
# A unit of systemd mounts it, or automount does when it is first looked into.
unit=$(systemd-escape --path --suffix=mount -- "$point") || exit 0
for unit in "$unit" "${unit%.mount}.automount"; do
    case $(systemctl is-enabled "$unit") in enabled | static | generated) say mounted-at-boot ;; esac
done 2> /dev/null
exit 0
