# Make room for the fault tests on a host, beside whatever else runs there: AS_HOME, /etc and /tmp
# on file systems of their own, which can be filled and made read-only. $1: the owner of AS_HOME,
# or `nobody` for a host without one. What only a JVM needs is left out.
set -eu
mkdir -p "$folder/starts" "$folder/states" /opt/faults
chmod 777 "$folder" "$folder/starts"

# own_file_system DIRECTORY SIZE: with the contents that it had.
own_file_system() {
    mkdir -p "$folder/contents"
    cp -a "$1/." "$folder/contents"
    mode=$(stat -c %a "$1")
    mount -t tmpfs -o "size=$2,mode=$mode" faults "$1"
    cp -a "$folder/contents/." "$1"
    rm -rf "$folder/contents"
}
own_file_system /opt/faults 60m
own_file_system /etc 16m
sed -i '/^# carbon-provision: begin/,/^# carbon-provision: end/d' /etc/hosts
mount -t tmpfs -o size=4m,mode=1777 faults /tmp

[ "$1" != nobody ] || { chown deploy /opt/faults; exit 0; }
cp -a /opt/pack /opt/faults/as
rm -rf /opt/faults/as/standin /opt/faults/as/lib/*.jar
chown -R "$1:$1" /opt/faults
[ "$1" = deploy ] || chmod 750 /opt/faults/as
