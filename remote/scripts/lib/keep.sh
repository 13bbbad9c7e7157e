# What stage and swap share: what goes in and out, the old state of it, and a copy for rollback.
# Values: HOME_DIR, REMOVE (paths that go away), NARROW (paths that lose rights, and nothing else)
# Sets: paths, remove, narrow, modes_file (lists in staged/), snapshot, copied.
paths=$own/staged/paths
remove=$own/staged/remove
narrow=$own/staged/narrow
modes_file=$own/staged/new-modes

# list_others: append what goes away to what staging has listed, and list what loses rights, one path a line.
list_others() {
    step list
    eval "set -- $NARROW"
    for path; do demand_inside "$path"; done
    if [ $# -gt 0 ]; then printf '%s\n' "$@"; fi > "$narrow" || fail 1 "cannot list what loses rights"
    eval "set -- $REMOVE"
    for path; do demand_inside "$path"; done
    if [ $# -gt 0 ]; then printf '%s\n' "$@"; fi >> "$remove" || fail 1 "cannot list what goes away"
}

# take_snapshot: into `snapshot`, what would differ if somebody touched a listed file; a line for each.
take_snapshot() {
    set --
    snapshot=
    for names in "$paths" "$remove" "$narrow"; do
        while read -r path; do
            if [ -e "$path" ]; then set -- "$@" "$path"; else snapshot="${snapshot}- - - - - - - - $path$NEWLINE"; fi
        done < "$names"
    done
    [ $# -eq 0 ] || snapshot=$snapshot$(stat -L -c '%i %s %a %u %g %z %n' -- "$@")$NEWLINE
}

# keep_copies DIR MANIFEST: a copy in DIR of each file of the snapshot that MANIFEST does not name yet, private
# from its first byte; MANIFEST then names it. `copied` lists what is to be flushed.
keep_copies() {
    listed=$NEWLINE
    while read -r _ path; do listed=$listed$path$NEWLINE; done < "$2"
    into=$1/files
    manifest=$2
    notes=
    copied=$2$NEWLINE
    set --
    while read -r inode _ mode _ _ _ _ _ path; do
        case $listed in *"$NEWLINE$path$NEWLINE"*) continue ;; esac
        case $inode in
            '') continue ;;
            -)
                mode=absent
                note_new_folders
                ;;
            *) set -- "$@" "$path" ;;
        esac
        notes=$notes$mode\ $path$NEWLINE
    done << END
$snapshot
END
    if [ $# -gt 0 ]; then
        step keep
        cp -f --parents -- "$@" "$into" || fail 1 "cannot keep a copy of what is replaced"
        for path; do
            [ ! -x "$path" ] || chmod 600 "$into/$path"
            copied=$copied$into/$path$NEWLINE
        done
    fi
    step manifest
    printf %s "$notes" >> "$manifest" || fail 1 "cannot write $manifest"
}

# note_new_folders: into `notes`, the folders that `path` needs and that are not there yet; a rollback removes them.
note_new_folders() {
    folder=$path
    while [ "$folder" != "${folder%/*}" ]; do
        folder=${folder%/*}
        case $listed$NEWLINE$notes in
            *"$NEWLINE$folder$NEWLINE"* | *"${NEWLINE}folder $folder$NEWLINE"*) return 0 ;;
        esac
        [ ! -e "$folder" ] || return 0
        notes="${notes}folder $folder$NEWLINE"
    done
}

# flush_lines LIST: the files and folders of a list, all at once.
flush_lines() {
    set -f
    separators=$IFS
    IFS=$NEWLINE
    # shellcheck disable=SC2086 # split on purpose
    set -- $1
    IFS=$separators
    set +f
    flush "$@"
}

# prepare_ownership: give each staged file the owner of the file that it replaces, and refuse what cannot be
# kept. One `stat` reads all: each staged file, the directory where it goes, and the file there.
# Modes that differ are only noted (in `modes_file`): a staged file is private until its turn.
prepare_ownership() {
    selinux=
    if [ -d /sys/fs/selinux ] || [ -d /selinux ]; then selinux=yes; fi
    modes=$NEWLINE
    if [ -s "$own/staged/modes" ]; then modes=$NEWLINE$(cat "$own/staged/modes")$NEWLINE; fi
    set --
    while read -r path; do
        case $path in */*) folder=${path%/*} ;; *) folder=. ;; esac
        while [ ! -e "$folder" ] && [ "$folder" != . ]; do # the swap creates it
            case $folder in */*) folder=${folder%/*} ;; *) folder=. ;; esac
        done
        set -- "$@" "$own/staged/files/$path" "$folder"
        [ ! -e "$path" ] || set -- "$@" "$path"
    done < "$paths"
    step stats
    if [ $# -gt 0 ]; then stat -L -c '%d %u %g %a' -- "$@"; fi > "$own/staged/stats" ||
        fail 1 "cannot look at the files to swap"
    : > "$modes_file" || fail 1 "cannot write in $own/staged"
    while read -r path && read -r device user group staged_mode <&3 && read -r place _ <&3; do
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
            mode=644
        fi
        case $modes in # that of hosts.yaml, or the one that it had, if a rollback brings it back
            *"$NEWLINE$path$TAB"*)
                mode=${modes#*"$NEWLINE$path$TAB"}
                mode=${mode%%"$NEWLINE"*}
                ;;
        esac
        [ "$mode" = "$staged_mode" ] || say "$mode $path" >> "$modes_file" || fail 1 "cannot write in $own/staged"
    done < "$paths" 3< "$own/staged/stats"
}

# set_modes: the modes that prepare_ownership noted, for as many files at once as can be.
set_modes() {
    last=
    set --
    while read -r mode path; do
        if [ "$mode" != "$last" ]; then
            set_mode "$last" "$@"
            last=$mode
            set --
        fi
        set -- "$@" "$own/staged/files/$path"
    done < "$modes_file"
    set_mode "$last" "$@"
}

# set_mode MODE FILE...
set_mode() {
    [ $# -ge 2 ] || return 0
    step "mode $1"
    chmod "$@" || fail 1 "cannot set the mode of the staged files"
}
