# Stage what earlier generations kept, as if it had been sent; if several kept a file, the oldest copy counts.
# Values: HOME_DIR, UNDO (generation ..., newest first)
# Output: staged
staged=$own/staged
eval "set -- $UNDO"
for generation; do
    demand_generation "$generation"
    [ -f "$own/generations/$generation/manifest" ] || fail 1 "the generation $generation is not there"
done
step stage-clear
remove_tree "$staged" || fail 1 "cannot clear $staged"
step stage-create
mkdir -p "$staged/files" && : > "$staged/modes" && : > "$staged/folders" && : > "$staged/paths" && : > "$staged/remove" || fail 1 "cannot create $staged"

step stage-list
for generation; do
    sed "s/^/$generation /" "$own/generations/$generation/manifest" || fail 1 "cannot read what $generation kept"
done > "$staged/all" || fail 1 "cannot list what was kept"
awk '
    { path = $0; sub(/^[^ ]* [^ ]* /, "", path); oldest[path] = $0 }
    END { for (path in oldest) print oldest[path] }' "$staged/all" > "$staged/oldest" &&
    sort "$staged/oldest" > "$staged/kept" || fail 1 "cannot list what was kept"

# list_bundle PATH: the bundle that Carbon made of a JAR goes with it (carbon/home/driver.py has the name).
list_bundle() {
    case $1 in repository/components/lib/*.jar) ;; *) return 0 ;; esac
    jar=${1##*/}
    bundle=repository/components/dropins/$(printf %s "${jar%.jar}" | tr - _)_1.0.0.jar
    [ ! -f "$HOME_DIR/$bundle" ] || say "$bundle" >> "$staged/remove"
}

while read -r generation mode path; do
    demand_inside "$path"
    step "stage $path"
    if [ "$mode" = folder ]; then
        say "$path" >> "$staged/folders" || fail 1 "cannot list what goes away"
    elif [ "$mode" = absent ]; then
        say "$path" >> "$staged/remove" || fail 1 "cannot list what goes away"
        list_bundle "$path" || fail 1 "cannot list what goes away"
    else
        mkdir -p "$staged/files/$(dirname "$path")" &&
            cat "$own/generations/$generation/files/$path" > "$staged/files/$path" &&
            say "$path$TAB$mode" >> "$staged/modes" && say "$path" >> "$staged/paths" || fail 1 "cannot stage $path"
    fi
done < "$staged/kept"

cd "$staged" || fail 1 "the staged files are gone"
find . -type f -exec sh -c 'sync "$@" 2>/dev/null || sync' sync {} +
say staged
