# Stage what earlier generations kept, as if it had been sent: newest first, so that an older
# copy of the same file wins. HOME_DIR UNDO(generation ...)
own=$(state)
step stage-clear
rm -rf "$own/staged"
step stage-unpack
mkdir -p "$own/staged/files" && : > "$own/staged/absent" || fail 1 "cannot create $own/staged"
eval "set -- $UNDO"
for generation; do
    kept=$own/generations/$generation
    [ -f "$kept/meta" ] || fail 1 "the generation $generation is not there"
    [ -f "$kept/manifest" ] || continue
    while read -r mode path; do
        if [ "$mode" = absent ]; then
            rm -f "$own/staged/files/$path"
            say "$path" >> "$own/staged/absent"
        else
            mkdir -p "$own/staged/files/$(dirname "$path")" &&
                cat "$kept/files/$path" > "$own/staged/files/$path" || fail 1 "cannot stage $path"
            grep -vxF "$path" "$own/staged/absent" > "$own/staged/absent.new"
            mv -f "$own/staged/absent.new" "$own/staged/absent"
        fi
    done < "$kept/manifest"
done
cd "$own/staged" || fail 1 "the staged files are gone"
find files -type f -exec sha256sum {} + > manifest || fail 1 "cannot list the staged files"
sort -u absent > remove
rm -f absent
find . -type f -exec sh -c 'sync "$@" 2>/dev/null || sync' sync {} +
sed 's/^.\{72\}/file /' manifest
sed 's/^/absent /' remove
say staged
