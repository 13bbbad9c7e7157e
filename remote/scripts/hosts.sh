# Replace /etc/hosts by a sibling and a rename; if that cannot be (a bind mount), in place. The sibling may be
# there already, whole: it was created when files were staged. Every sudo line here stands word for word in the
# sudoers fragment.
# Values: EXPECT, MOUNTED (yes, no), CONTENT (the whole new file), CONTENT_DIGEST
# Output: renamed, in-place
sums=$(sha256sum /etc/hosts "$new" 2> /dev/null)
case $sums in
    "$EXPECT  /etc/hosts" | "$EXPECT  /etc/hosts$NEWLINE"*) ;;
    *) fail 7 "/etc/hosts was changed by somebody else since this run read it" ;;
esac
case $sums in
    *"$NEWLINE$CONTENT_DIGEST  $new") ;;
    *) make_new "$CONTENT_DIGEST" printf %s "$CONTENT" ;;
esac
flush "$new"
if [ "$MOUNTED" = no ]; then
    step hosts-rename
    if sudo -n mv -f "$new" /etc/hosts 2>/dev/null; then
        flush /etc
        say renamed
        exit 0
    fi
    [ -e "$new" ] || fail 1 "cannot rename $new"
fi
step hosts-keep
sudo -n cp -p /etc/hosts /etc/hosts.provision-kept < /dev/null || { clear_away; fail 1 "cannot back up /etc/hosts"; }
step hosts-in-place
sudo -n tee /etc/hosts < "$new" > /dev/null
if ! holds /etc/hosts "$CONTENT_DIGEST"; then
    step hosts-restore
    sudo -n tee /etc/hosts < /etc/hosts.provision-kept > /dev/null
    clear_away
    holds /etc/hosts "$EXPECT" || fail 1 "/etc/hosts was not written whole; the old one is /etc/hosts.provision-kept"
    fail 1 "cannot write /etc/hosts, which is as it was"
fi
flush /etc/hosts
clear_away
say "in-place"
