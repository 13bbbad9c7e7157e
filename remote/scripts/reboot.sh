# Let the server boot again. The answer may be lost with the connection.
# Output: going
step reboot
sudo -n systemctl reboot || fail 1 "systemctl refuses to reboot"
say going
