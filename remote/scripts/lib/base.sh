# What every script begins with: the environment, output, failure, files.
# Sets: NEWLINE, TAB, own (AS_HOME/.provision), GIVEN_LC_ALL, GIVEN_UMASK (what the login came with).
set -u
IFS=' 	
'
unset TMOUT # bash would end every wait for a line after it
# `run` gives the login's own environment to its command.
case $0 in *:run) ;; *)
    set +efxC # bash takes them from SHELLOPTS
    unset CDPATH ENV BASH_ENV POSIXLY_CORRECT _POSIX2_VERSION GREP_OPTIONS GREP_COLOR GREP_COLORS TAR_OPTIONS
    unset BLOCK_SIZE BLOCKSIZE DF_BLOCK_SIZE DU_BLOCK_SIZE LS_BLOCK_SIZE TIME_STYLE QUOTING_STYLE ;;
esac
# Functions that bash takes from the environment.
unset -f awk cat cd chcon chmod chown cksum command cp cut date df dirname du echo env false find grep head id kill ln ls
unset -f mkdir mktemp mv nginx printf pwd read readlink rm rmdir sed sh sha256sum sleep sort ss stat sudo sync tail tar tee
unset -f test timeout touch tr true umask wait xargs
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

# flatten TEXT: into `flat`, the text as one line, fit for an answer.
flatten() {
    flat=$1
    while :; do
        case $flat in *"$NEWLINE"*) flat="${flat%%"$NEWLINE"*}?${flat#*"$NEWLINE"}" ;; *) break ;; esac
    done
}

# demand_inside PATH: what is to be changed lies in AS_HOME, by its name.
demand_inside() {
    case /$1/ in */../* | //*) fail 1 "not a path in AS_HOME: $1" ;; esac
}

# Only names of this form are generations; a script makes them, and deletes no others.
GENERATIONS='[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z-*'

# demand_generation NAME
demand_generation() {
    # shellcheck disable=SC2254 # a pattern
    case $1 in */*) ;; $GENERATIONS) return 0 ;; esac
    fail 1 "not a generation: $1"
}

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

# remove_tree PATH...: also if directories in it are read-only: a copy takes their modes along.
remove_tree() {
    rm -rf -- "$@" 2> /dev/null || {
        chmod -R u+rwX -- "$@" 2> /dev/null
        rm -rf -- "$@"
    }
}

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

