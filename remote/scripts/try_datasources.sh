# Try to connect to datasources as the server would: with its JDK, from AS_HOME, with the driver that is there. The
# class comes first on the input, and reads the rest of it by itself: no shell, process list or file has a password.
# Values: HOME_DIR, JAVA_DIR, CLASS_SIZE, JNDI_NAMES (to look for in repository/conf)
# Payload: the class remote/java/TryDatasources, then what it is given
# Output: tried NUMBER WORD SQLSTATE VENDOR_CODE TEXT, untried REASON, unused JNDI_NAME
cd "$HOME_DIR" || fail 1 "AS_HOME $HOME_DIR is gone"
[ -n "$JAVA_DIR" ] || JAVA_DIR=${JAVA_HOME-}
if [ ! -x "$JAVA_DIR/bin/java" ]; then
    say "untried JAVA_HOME $JAVA_DIR has no bin/java"
    exit 0
fi
folder=$(mktemp -d) || {
    say "untried mktemp can make no folder for the trial"
    exit 0
}
trap 'rm -rf -- "$folder"' EXIT
trap 'exit 1' HUP INT TERM
head -c "$CLASS_SIZE" > "$folder/TryDatasources.class" || fail 1 "cannot write in $folder"
# For an encrypted connection: what the server trusts. Without a password a JKS file is read all the same.
set -- -Djavax.net.ssl.trustStore="$HOME_DIR/repository/resources/security/client-truststore.jks"
[ -r "${1#*=}" ] || shift
# A small JVM that is soon gone.
set -- -XX:+IgnoreUnrecognizedVMOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -Xshare:auto \
    -Xmx64m -Djava.awt.headless=true "$@"
# A driver may encode a password by the login's own language, as it does in the server.
if [ -n "$GIVEN_LC_ALL" ]; then LC_ALL=$GIVEN_LC_ALL; else unset LC_ALL; fi
if ! "$JAVA_DIR/bin/java" "$@" -cp "$folder" TryDatasources 2> "$folder/complaint"; then
    say "untried $JAVA_DIR/bin/java says: $(grep -v '^Picked up ' "$folder/complaint" | head -n 1 | tr '[:cntrl:]' ' ')"
fi

# A file that cannot be read may name it.
eval "set -- $JNDI_NAMES"
for name; do
    grep -rqsF --exclude=master-datasources.xml -e "$name" repository/conf
    [ $? -ne 1 ] || say "unused $name"
done
