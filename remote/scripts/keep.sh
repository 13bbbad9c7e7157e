# What stage and swap share: what goes in and out, the old state of it, and a copy for rollback.
# HOME_DIR REMOVE
paths=$own/staged/paths
remove=$own/staged/remove
given=$own/staged/given

# list_removed: one path a line, of what goes away, behind what staging listed already.
list_removed() {
    step list
    eval "set -- $REMOVE"
    if [ $# -gt 0 ]; then printf '%s\n' "$@"; fi >> "$remove" || fail 1 "cannot list what goes away"
}

# see: into `seen`, what would differ had somebody touched a listed file; a line for each.
see() {
    set --
    seen=
    for names in "$paths" "$remove"; do
        while read -r path; do
            if [ -e "$path" ]; then set -- "$@" "$path"; else seen="${seen}- - - - - - - - $path$NEWLINE"; fi
        done < "$names"
    done
    [ $# -eq 0 ] || seen=$seen$(stat -L -c '%i %s %a %u %g %z %n' -- "$@")$NEWLINE
}

# keep_copies DIR MANIFEST: a copy in DIR of all that was seen, private from its first byte, but of what
# MANIFEST tells of already; that is then told there. In `copied` is what is to be flushed.
keep_copies() {
    had=$NEWLINE
    while read -r _ path; do had=$had$path$NEWLINE; done < "$2"
    into=$1/files
    manifest=$2
    notes=
    copied=$2$NEWLINE
    set --
    while read -r inode _ mode _ _ _ _ _ path; do
        case $had in *"$NEWLINE$path$NEWLINE"*) continue ;; esac
        case $inode in
            '') continue ;;
            -) mode=absent ;;
            *) set -- "$@" "$path" ;;
        esac
        notes=$notes$mode\ $path$NEWLINE
    done << END
$seen
END
    if [ $# -gt 0 ]; then
        step keep
        cp -f --parents -- "$@" "$into" || fail 1 "cannot keep a copy of $*"
        for path; do
            [ ! -x "$path" ] || chmod 600 "$into/$path"
            copied=$copied$into/$path$NEWLINE
        done
    fi
    step manifest
    printf %s "$notes" >> "$manifest" || fail 1 "cannot write $manifest"
}

# flush_lines LIST: the files and folders of a list, all at once.
flush_lines() {
    set -f
    separators=$IFS
    IFS=$NEWLINE
    set -- $1
    IFS=$separators
    set +f
    flush "$@"
}

# dress: owner and mode are those of the file that is replaced, or was; what cannot be kept is
# refused. One `stat` tells of all: of each staged file, of where it goes, and of what is there.
# Modes are only noted, where they differ: a staged file is private until its turn.
dress() {
    selinux=
    if [ -d /sys/fs/selinux ] || [ -d /selinux ]; then selinux=yes; fi
    set --
    while read -r path; do
        set -- "$@" "$own/staged/files/$path" "${path%/*}"
        [ ! -e "$path" ] || set -- "$@" "$path"
    done < "$paths"
    step stats
    if [ $# -gt 0 ]; then stat -L -c '%d %u %g %a' -- "$@"; fi > "$own/staged/stats" ||
        fail 1 "cannot look at the files to swap"
    : > "$given" || fail 1 "cannot write in $own/staged"
    while read -r path && read -r device user group found <&3 && read -r place _ <&3; do
        staged=$own/staged/files/$path
        [ "$device" = "$place" ] ||
            fail 1 "${path%/*} is on another file system than AS_HOME: no rename can swap it"
        if [ -e "$path" ]; then
            read -r _ owner owners mode <&3
            [ "$owner:$owners" = "$user:$group" ] || chown "$owner:$owners" "$staged" 2> /dev/null ||
                [ "$owner" = "$user" ] ||
                fail 1 "$path belongs to $(stat -c %U "$path"), and its owner cannot be kept"
            [ -z "$selinux" ] || chcon --reference="$path" "$staged" 2> /dev/null
        else
            mode=
            [ ! -s "$own/staged/modes" ] || # what it had, where a rollback brings it back
                mode=$(awk -v path="$path" '$0 == $1 " " path { print $1 }' "$own/staged/modes")
            mode=${mode:-644}
        fi
        [ "$mode" = "$found" ] || say "$mode $path" >> "$given" || fail 1 "cannot write in $own/staged"
    done < "$paths" 3< "$own/staged/stats"
}

# give_modes: what `dress` noted, as many files at once as can be.
give_modes() {
    last=
    set --
    while read -r mode path; do
        if [ "$mode" != "$last" ]; then
            give "$last" "$@"
            last=$mode
            set --
        fi
        set -- "$@" "$own/staged/files/$path"
    done < "$given"
    give "$last" "$@"
}

give() {
    [ $# -ge 2 ] || return 0
    step "mode $1"
    chmod "$@" || fail 1 "cannot set the mode of the staged files"
}
