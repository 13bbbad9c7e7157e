# List a home, each entry as type, readable or not, mode, size, path and link; change nothing.
# Values: HOME_DIR, PRUNE (directories whose contents never travel)
# Output: three fields for each entry, each with a NUL at its end
cd "$HOME_DIR" || fail 1 "cannot enter $HOME_DIR"
eval "set -- $PRUNE"
for path; do
    shift
    set -- "$@" -path "./$path/*" -prune -o
done
find . -ignore_readdir_race "$@" \
    \( -type d \( ! -readable -o ! -executable \) -printf 'd - %m 0\0%P\0\0' -prune \) -o \
    \( -type f ! -readable -printf 'f - %m %s\0%P\0\0' \) -o \
    -printf '%y r %m %s\0%P\0%l\0' || fail 1 "find cannot list $HOME_DIR"
