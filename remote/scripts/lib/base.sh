# What every script begins with: the environment, output, failure, files.
# Sets: NEWLINE, TAB, own (AS_HOME/.provision), GIVEN_LC_ALL, GIVEN_UMASK (what the login came with).
set -u
unset TMOUT # bash would end every wait for a line after it
NEWLINE='
'
TAB='	'
GIVEN_LC_ALL=${LC_ALL-}
case $0 in *:start | *:run) GIVEN_UMASK=$(umask) ;; esac # costs a process
LC_ALL=C
export LC_ALL
umask 077
own=${HOME_DIR-}/.provision

say() { printf '%s\n' "$*"; }

# fail STATUS SENTENCE: the statuses are those of README.md.
fail() {
    status=$1
    shift
    printf '%s\n' "$*" >&2
    exit "$status"
}

# step NAME: every step that changes something says so first; the fault tests count and cut here.
step() { :; }

flush() { sync "$@" 2> /dev/null || sync; }

# remove_tree PATH: also if directories in it are read-only.
remove_tree() { rm -rf "$1" 2> /dev/null || { chmod -R u+rwX "$1" 2> /dev/null && rm -rf "$1" 2> /dev/null; }; }

# is_filled DIR: does it hold anything?
is_filled() {
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        if [ -e "$entry" ] || [ -L "$entry" ]; then return 0; fi
    done
    return 1
}

# holds FILE DIGEST: is its sha256 this one?
holds() {
    # shellcheck disable=SC2046 # split on purpose
    set -- "$2" $(sha256sum < "$1")
    [ "$1" = "${2-}" ]
} 2> /dev/null

