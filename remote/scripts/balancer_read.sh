# Send the cluster's files of nginx that are there, as a tar, and change nothing.
# CONF_DIR FILES(name ...)
cd "$CONF_DIR" || fail 1 "cannot enter $CONF_DIR"
eval "set -- $FILES"
asked=$#
for name; do
    if [ -e "$name.provision-new" ] || [ -e "$name.provision-kept" ]; then say "interrupted $name"; fi
    [ -f "$name" ] || continue
    [ -r "$name" ] || fail 1 "cannot read $CONF_DIR/$name"
    set -- "$@" "$name"
done
shift "$asked"
say "files"
[ $# -eq 0 ] || tar -cf - -b 1 -h -- "$@"
