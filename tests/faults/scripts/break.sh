# Wait until a script is held at its step; make the file system of $2 full or read-only ($1); let it
# go on. `mend` undoes both.
case $1 in
    mend)
        ! grep -q "^faults-read-only $2 " /proc/mounts || umount -l "$2"
        while [ "$(grep -c "^faults $2 " /proc/mounts)" -gt 1 ]; do umount -l "$2"; done
        rm -f "$2/filling" "$folder/held" "$folder/go"
        exit 0
        ;;
esac
waited=0
until [ -e "$folder/held" ]; do
    [ $waited -lt 1000 ] || { echo "never held"; exit 0; }
    sleep 0.01
    waited=$((waited + 1))
done
case $1 in
    full) dd if=/dev/zero of="$2/filling" bs=1M 2> /dev/null ;;
    read-only) mount --bind "$2" "$2" && mount -o remount,bind,ro "$2" ;;
esac
: > "$folder/go"
until [ ! -e "$folder/held" ] || [ $waited -ge 2000 ]; do
    sleep 0.01
    waited=$((waited + 1))
done
echo broken
