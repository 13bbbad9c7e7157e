# Bring this host to the state $1, with its server running ($2: yes|no).
for pid in $(servers) $(scripts_of_servers); do
    kill -KILL "$pid" 2> /dev/null
    while [ -e "/proc/$pid" ]; do sleep 0.01; done
done
set -eu
rm -rf "$folder/held" "$folder/go" "$folder/steps" "$folder/starts/"* /tmp/carbon-provision.lock* \
    /etc/hosts.provision-* /opt/faults/* /opt/faults/.[!.]*
tar -C /opt/faults -xpf "$folder/states/$1.tar"
cmp -s "$folder/states/$1.hosts" /etc/hosts || cp -p "$folder/states/$1.hosts" /etc/hosts
[ "$2" = yes ] || exit 0

owner=$(stat -c %U /opt/faults/as)
worker=-DworkerNode=true
[ "$LAB_ROLE" != manager ] || worker=
setsid runuser -u "$owner" -- env -u CARBON_HOME JAVA_HOME=/opt/java \
    sh /opt/faults/as/bin/wso2server.sh $worker > /dev/null 2>&1 < /dev/null &
log=/opt/faults/as/repository/logs/wso2carbon.log
lines=$(grep -cs 'WSO2 Carbon started' $log || true)
until [ "$(grep -cs 'WSO2 Carbon started' $log)" -gt "${lines:-0}" ]; do sleep 0.05; done
# What was recorded speaks of this process again.
pid=$(servers)
record=/opt/faults/as/.provision/record
[ ! -e $record ] || sed -i "s/^pid=.*/pid=$pid/; s/^ticks=.*/ticks=$(ticks "$pid")/" $record
