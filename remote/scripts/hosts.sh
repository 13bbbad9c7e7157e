# Replace /etc/hosts by a sibling and a rename; where that cannot be (a bind mount), in place. The
# sibling may be there already, whole: it was made when files were staged.
# EXPECT MOUNTED(yes|no) CONTENT_DIGEST; payload: the whole new file. Every sudo line here
# stands word for word in the sudoers fragment.
holds /etc/hosts "$EXPECT" || fail 7 "/etc/hosts was changed by somebody else since this run looked"
[ -e $new ] && holds $new "$CONTENT_DIGEST" || make_new "$CONTENT_DIGEST"
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
