# What stage and hosts share: the new /etc/hosts beside the old one, owner and mode kept. Every sudo
# line here stands word for word in the sudoers fragment.
# Sets: new (the path of the new file).
new=/etc/hosts.provision-new

clear_away() {
    step hosts-clear
    sudo -n rm -f "$new" 2> /dev/null # it must not hide what failed before
}

# make_new DIGEST COMMAND...: make the new file from what a command prints. The caller flushes it.
make_new() {
    digest=$1
    shift
    step hosts-copy
    sudo -n cp -p /etc/hosts "$new" < /dev/null || { clear_away; fail 1 "cannot copy /etc/hosts"; }
    step hosts-write
    "$@" | sudo -n tee "$new" > /dev/null || { clear_away; fail 1 "cannot write $new"; }
    if ! holds "$new" "$digest"; then
        clear_away
        fail 1 "the new /etc/hosts did not arrive whole"
    fi
}

# make_plain: the same if the old file has what a new file gets anyhow (root's, mode 644): there is nothing to
# keep. Fails if the new file is not so: sudo may have a umask of its own. `hosts` checks that it is whole before
# it replaces the old file.
make_plain() {
    [ ! -e "$new" ] || return 1
    step hosts-write
    (umask 022 && sudo -n tee "$new" > /dev/null) && [ "$(stat -c '%a %u %g' "$new")" = '644 0 0' ]
}
