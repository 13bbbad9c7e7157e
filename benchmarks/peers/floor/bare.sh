# On a host: the least that does the job. Stdin: SIZE bytes of tar, then `go`.
umask 022
conf=repository/conf
files="$conf/axis2/axis2.xml $conf/carbon.xml $conf/tomcat/catalina-server.xml
    $conf/datasources/master-datasources.xml"
new=.floor
cd "$HOME_DIR" && rm -rf $new && mkdir $new && head -c "$SIZE" | tar -xf - -C $new || exit 1
sed -i -e "s/@local_member_host@/$ADDRESS/; s/@local_member_port@/$MEMBER_PORT/; s/@offset@/$OFFSET/" \
    $new/$conf/axis2/axis2.xml $new/$conf/carbon.xml
mkdir -p $new/repository/components/lib && mv "$new/$JAR" $new/repository/components/lib/

changed=no
for file in $files "repository/components/lib/$JAR"; do
    cmp -s "$new/$file" "$file" || changed=yes
done
case $(cat /etc/hosts) in *"$HOSTS_LINES"*) ;; *) changed=yes ;; esac
pid=$(tr -cd '0-9' 2> /dev/null < wso2carbon.pid) 2> /dev/null
[ -n "$pid" ] && [ -d "/proc/$pid" ] || changed=yes
if [ $changed = no ]; then
    rm -rf $new
    echo same
    exit
fi

if [ -n "$pid" ] && kill "$pid" 2> /dev/null; then
    while [ -d "/proc/$pid" ]; do sleep 0.05; done
fi
cp -R $new/repository . && rm -rf $new repository/deployment/server && mkdir repository/deployment/server
export HOSTS_LINES
flock /tmp/floor.lock sh -c 'case $(cat /etc/hosts) in
    *"$HOSTS_LINES"*) ;;
    *) printf "%s\n" "$HOSTS_LINES" | sudo -n tee -a /etc/hosts > /dev/null ;;
esac'
echo ready
read -r go
cd bin || exit 1
JAVA_HOME=$JAVA_HOME nohup sh wso2server.sh -DworkerNode=true > /dev/null 2>&1 < /dev/null &
