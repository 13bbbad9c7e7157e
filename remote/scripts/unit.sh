# Install the unit of systemd that starts the server, and enable it. The new file is written beside the old one and
# renamed over it. Every sudo line here stands word for word in the sudoers fragment.
# Values: UNIT, UNIT_FILE, CONTENT (the whole new file, or empty: it stays), ENABLE (yes, no)
# Values: PASSWORD_FILE, KEYSTORE_PASSWORD (or empty)
# Output: nothing
if [ -n "$CONTENT" ]; then
    step unit-write
    umask 022 # everybody may read a unit
    printf %s "$CONTENT" | sudo -n tee "$UNIT_FILE.provision-new" > /dev/null || fail 1 "sudo: cannot write $UNIT_FILE"
    umask 077
    flush "$UNIT_FILE.provision-new"
    step unit-rename
    sudo -n mv -f "$UNIT_FILE.provision-new" "$UNIT_FILE" || fail 1 "sudo: cannot rename $UNIT_FILE.provision-new"
fi
if [ -n "$KEYSTORE_PASSWORD" ]; then
    step unit-password
    sudo -n install -m 600 /dev/null "$PASSWORD_FILE.provision-new" || fail 1 "sudo: cannot write $PASSWORD_FILE"
    printf '%s\n' "$KEYSTORE_PASSWORD" | sudo -n tee "$PASSWORD_FILE.provision-new" > /dev/null ||
        fail 1 "sudo: cannot write $PASSWORD_FILE"
    sudo -n mv -f "$PASSWORD_FILE.provision-new" "$PASSWORD_FILE" || fail 1 "sudo: cannot rename $PASSWORD_FILE.provision-new"
fi
step unit-reload
sudo -n systemctl daemon-reload || fail 1 "systemctl cannot read the units again"
if [ "$ENABLE" = yes ]; then
    step unit-enable
    sudo -n systemctl enable "$UNIT" > /dev/null 2>&1 || fail 1 "systemctl cannot enable $UNIT"
fi
