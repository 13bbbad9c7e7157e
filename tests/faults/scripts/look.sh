# Tell all that the fault tests judge, a `word`, a tab and the rest in each line.
tab=$(printf '\t')
cd "$home" 2> /dev/null && {
    find . \( -path ./repository/logs -o -path ./tmp -o -path ./wso2carbon.pid \
        -o -path './.provision/console.log*' \) -prune -o -printf 'tree\t%y\t%u:%g\t%m\t%T@\t%l\t%P\n'
    find . \( -path ./repository/logs -o -path ./tmp -o -path ./wso2carbon.pid \
        -o -path './.provision/console.log*' \) -prune -o -type f -print |
        tr '\n' '\0' | xargs -0 -r sha256sum | sed 's/^\([0-9a-f]*\)  \.\//digest\t\1\t/'
    sed "s/^/record$tab/" .provision/record 2> /dev/null
    sed "s/^/audit$tab/" .provision/audit.log 2> /dev/null
    for kept in .provision/generations/*/; do
        for file in meta manifest; do
            [ ! -f "$kept$file" ] || sed "s|^|$file$tab$(basename "$kept")$tab|" "$kept$file"
        done
    done
}
find /opt/faults -mindepth 1 -maxdepth 1 ! -path "$home" ! -path "$home.provision-kept" -printf 'beside\t%p\n'
cd "$home.provision-kept" 2> /dev/null && {
    find . -printf 'aside\t%y\t%u:%g\t%m\t%T@\t%l\t%P\n'
    find . -type f -exec sha256sum {} + | sed 's/^\([0-9a-f]*\)  \.\//digest_aside\t\1\t/'
}
find /etc/hosts /etc/hosts.provision-* -printf 'hosts\t%y\t%u:%g\t%m\t%T@\t%l\t%p\n' 2> /dev/null
sha256sum /etc/hosts | sed 's/^\([0-9a-f]*\)  /digest\t\1\t/'
for pid in $(servers); do printf 'server\t%s\t%s\n' "$pid" "$(ticks "$pid")"; done
for start in "$folder"/starts/[0-9]*; do
    case $start in *'*' | *.new) ;; *) sed "s|^|start$tab$(basename "$start")$tab|" "$start" ;; esac
done
for lock in /tmp/carbon-provision.lock*/*; do
    [ ! -L "$lock" ] || printf 'lock\t%s\t%s\n' "$lock" "$(readlink "$lock")"
done
[ ! -e "$folder/steps" ] || sed "s/^/step$tab/" "$folder/steps"
