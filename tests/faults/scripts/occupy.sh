# Put an AS_HOME of somebody else where a clone is to stand.
set -eu
cp -a /opt/pack "$home"
rm -rf "$home/standin" "$home"/lib/*.jar
echo precious > "$home/theirs"
chown -R deploy "$home"
