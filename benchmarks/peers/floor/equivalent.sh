# On a host: as bare.sh, and with a lock, backups, synced files and whole-file swaps, nothing
# live touched before the host's turn. Stdin: SIZE bytes of tar, then `go`.
umask 077
conf=repository/conf
files="$conf/axis2/axis2.xml $conf/carbon.xml $conf/tomcat/catalina-server.xml
    $conf/datasources/master-datasources.xml repository/components/lib/$JAR"
own=.floor
new=$own/new
cd "$HOME_DIR" && rm -rf $new && mkdir -p $new && head -c "$SIZE" | tar -xf - -C $new || exit 1
sed -i -e "s/@local_member_host@/$ADDRESS/; s/@local_member_port@/$MEMBER_PORT/; s/@offset@/$OFFSET/" \
    $new/$conf/axis2/axis2.xml $new/$conf/carbon.xml
mkdir -p $new/repository/components/lib && mv "$new/$JAR" $new/repository/components/lib/

todo=
for file in $files; do
    cmp -s "$new/$file" "$file" || todo="$todo $file"
done
mapped=yes
case $(cat /etc/hosts) in *"$HOSTS_LINES"*) ;; *) mapped=no ;; esac
pid=$(tr -cd '0-9' 2> /dev/null < wso2carbon.pid) 2> /dev/null
grep -qsF org.wso2.carbon.bootstrap.Bootstrap "/proc/${pid:-none}/cmdline" || pid=
if [ -z "$todo" ] && [ $mapped = yes ] && [ -n "$pid" ]; then
    rm -rf $new
    echo same
    exit
fi

# Hosts of one server share its lock within a run.
lock=/tmp/floor.lock
if ln -s "$RUN $$" $lock 2> /dev/null; then
    trap 'rm -f $lock' EXIT
else
    held=$(readlink $lock)
    case $held in "$RUN "*) ;; *) echo "locked by $held" && exit 1 ;; esac
fi
for file in $files; do
    if [ -e "$file" ]; then chmod --reference="$file" "$new/$file"; else chmod 644 "$new/$file"; fi
done
(cd $new && sync $files)
echo ready
read -r go || exit 1

if [ -n "$pid" ] && kill "$pid" 2> /dev/null; then
    while [ -d "/proc/$pid" ]; do sleep 0.05; done
fi
kept=$own/$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$kept"
for file in $todo; do
    [ ! -e "$file" ] || cp --parents "$file" "$kept"
done
find "$kept" -type f -exec sync {} +
for file in $todo; do
    mv -f "$new/$file" "$file" || exit 1
done
mv repository/deployment/server "$kept/deployment-server"
mkdir -m 755 repository/deployment/server
sync $conf $conf/axis2 $conf/tomcat $conf/datasources repository/components/lib repository/deployment
rm -rf $new
case $(cat /etc/hosts) in
    *"$HOSTS_LINES"*) ;;
    *)
        sudo -n cp -p /etc/hosts /etc/hosts.floor-kept
        sudo -n cp -p /etc/hosts /etc/hosts.floor-new
        printf '%s\n' "$HOSTS_LINES" | sudo -n tee -a /etc/hosts.floor-new > /dev/null
        sync /etc/hosts.floor-new
        sudo -n mv -f /etc/hosts.floor-new /etc/hosts
        sync /etc
        ;;
esac
cd bin && umask 022
JAVA_HOME=$JAVA_HOME nohup sh wso2server.sh -DworkerNode=true > /dev/null 2>&1 < /dev/null &
