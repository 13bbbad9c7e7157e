# Replace /etc/hosts by a sibling and a rename; where that cannot be (a bind mount), in place.
# EXPECT MOUNTED(yes|no) CONTENT_DIGEST; payload: the whole new file. Every sudo line here
# stands word for word in the sudoers fragment.
new=/etc/hosts.provision-new
holds /etc/hosts "$EXPECT" || fail 7 "/etc/hosts was changed by somebody else since this run looked"

clear_away() {
    step hosts-clear
    sudo -n rm -f $new
}

step hosts-copy
sudo -n cp -p /etc/hosts $new < /dev/null || { clear_away; fail 1 "sudo: cannot copy /etc/hosts"; }
step hosts-write
sudo -n tee $new > /dev/null || { clear_away; fail 1 "sudo: cannot write $new"; }
if ! holds $new "$CONTENT_DIGEST"; then
    clear_away
    fail 1 "the new /etc/hosts did not arrive whole"
fi
flush $new
if [ "$MOUNTED" = no ]; then
    step hosts-rename
    if sudo -n mv -f $new /etc/hosts 2>/dev/null; then
        flush /etc
        say renamed
        exit 0
    fi
    [ -e $new ] || fail 1 "sudo: cannot rename $new"
fi
step hosts-keep
sudo -n cp -p /etc/hosts /etc/hosts.provision-kept < /dev/null || { clear_away; fail 1 "sudo: cannot back up /etc/hosts"; }
step hosts-in-place
sudo -n tee /etc/hosts < $new > /dev/null
if ! holds /etc/hosts "$CONTENT_DIGEST"; then
    step hosts-restore
    sudo -n tee /etc/hosts < /etc/hosts.provision-kept > /dev/null
    clear_away
    holds /etc/hosts "$EXPECT" || fail 1 "/etc/hosts was not written whole; the old one is /etc/hosts.provision-kept"
    fail 1 "sudo: cannot write /etc/hosts, which is as it was"
fi
flush /etc/hosts
clear_away
say "in-place"
