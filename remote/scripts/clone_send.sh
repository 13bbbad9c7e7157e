# Pack files, and change nothing. If a file goes away meanwhile, the list that is read afterwards shows it, not an
# exit status.
# Values: HOME_DIR
# Payload: paths, each with a NUL at its end
# Output: a tar
cd "$HOME_DIR" || fail 1 "cannot enter $HOME_DIR"
tar --create --format=gnu --hard-dereference --no-recursion --blocking-factor=128 \
    --file=- --null --files-from=-
status=$?
[ $status -le 2 ] || fail 1 "tar ended with status $status"
exit 0
