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

# How often its log says that a server has started.
starts() { cat /opt/faults/as/repository/logs/wso2carbon.log 2> /dev/null | grep -c 'WSO2 Carbon started' || true; }

before=$(starts)
owner=$(stat -c %U /opt/faults/as)
worker=-DworkerNode=true
[ "$LAB_ROLE" != manager ] || worker=
setsid runuser -u "$owner" -- env -u CARBON_HOME JAVA_HOME=$folder/java \
    sh /opt/faults/as/bin/wso2server.sh $worker > /dev/null 2>&1 < /dev/null &
waited=0
until [ "$(starts)" -gt "$before" ]; do
    [ $waited -lt 1000 ] || { echo "the server does not start"; exit 1; }
    sleep 0.01
    waited=$((waited + 1))
done
# What was recorded speaks of this process again.
pid=$(servers)
record=/opt/faults/as/.provision/record
[ ! -e $record ] || sed -i "s/^pid=.*/pid=$pid/; s/^ticks=.*/ticks=$(ticks "$pid")/" $record
