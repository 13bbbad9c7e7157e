# Keep what this host looks like now, as the state $1.
set -eu
tar -C /opt/faults --format=posix -cpf "$folder/states/$1.tar" .
cp -p /etc/hosts "$folder/states/$1.hosts"
