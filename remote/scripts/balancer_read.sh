# Send the cluster's files of nginx that are there, and change nothing.
# Values: CONF_DIR, FILES (name ...)
# Output: interrupted NAME, files, then a tar
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
[ $# -eq 0 ] || tar --hard-dereference -cf - -b 1 -h -- "$@"
