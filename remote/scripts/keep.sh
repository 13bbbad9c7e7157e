# What stage and swap share: what goes in and out, the old state of it, and a copy for rollback.
# HOME_DIR REMOVE
list=$own/staged/manifest
paths=$own/staged/paths
remove=$own/staged/remove
given=$own/staged/given

# write_lists: one path a line, of what is put in place and of what goes away.
write_lists() {
    step list
    : > "$paths" || fail 1 "cannot write in $own/staged"
    if [ -s "$list" ]; then
        while read -r _ path; do
            say "${path#files/}" >> "$paths" || fail 1 "cannot list the staged files"
        done < "$list"
    fi
    [ -f "$remove" ] || : > "$remove" || fail 1 "cannot list what goes away"
    eval "set -- $REMOVE"
    for path; do
        say "$path" >> "$remove" || fail 1 "cannot list what goes away"
    done
}

# see: into `seen`, what would differ had somebody touched a listed file; a line for each.
see() {
    set --
    seen=
    for names in "$paths" "$remove"; do
        while read -r path; do
            if [ -e "$path" ]; then set -- "$@" "$path"; else seen="${seen}absent $path$NEWLINE"; fi
        done < "$names"
    done
    [ $# -eq 0 ] || seen=$seen$(stat -L -c '%i %s %a %u %g %z %n' -- "$@")$NEWLINE
}

# keep_copies DIR: a copy of all that is listed and not yet in DIR's manifest, private from its
# first byte.
keep_copies() {
    step manifest
    keep=$1
    : > "$keep/manifest.new" || fail 1 "cannot write in $keep"
    listed=$NEWLINE
    if [ -f "$keep/manifest" ]; then
        cat "$keep/manifest" > "$keep/manifest.new" || fail 1 "cannot write in $keep"
        while read -r mode path; do listed=$listed$path$NEWLINE; done < "$keep/manifest"
    fi
    set --
    for names in "$paths" "$remove"; do
        while read -r path; do
            case $listed in *"$NEWLINE$path$NEWLINE"*) continue ;; esac
            [ -n "$path" ] || continue
            if [ -e "$path" ]; then set -- "$@" "$path"
            else say "absent $path" >> "$keep/manifest.new" || fail 1 "cannot note that there is no $path"
            fi
        done < "$names"
    done
    if [ $# -gt 0 ]; then
        step keep
        cp -f --parents -- "$@" "$keep/files" && stat -L -c '%a %n' -- "$@" >> "$keep/manifest.new" ||
            fail 1 "cannot keep a copy of $*"
        for path; do
            shift
            [ ! -x "$path" ] || chmod 600 "$keep/files/$path"
            set -- "$@" "$keep/files/$path"
        done
    fi
    flush "$@" "$keep/manifest.new"
    step manifest-complete
    mv -f "$keep/manifest.new" "$keep/manifest" || fail 1 "cannot write in $keep"
}

# dress: owner and mode are those of the file that is replaced, or was; what cannot be kept is
# refused. One `stat` tells of all: of each staged file, of where it goes, and of what is there.
# The modes are only noted: a staged file is private until its turn.
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
    while read -r path && read -r device user group _ <&3 && read -r place _ <&3; do
        new=$own/staged/files/$path
        [ "$device" = "$place" ] ||
            fail 1 "${path%/*} is on another file system than AS_HOME: no rename can swap it"
        if [ -e "$path" ]; then
            read -r _ owner owners mode <&3
            [ "$owner:$owners" = "$user:$group" ] || chown "$owner:$owners" "$new" 2> /dev/null ||
                [ "$owner" = "$user" ] ||
                fail 1 "$path belongs to $(stat -c %U "$path"), and its owner cannot be kept"
            [ -z "$selinux" ] || chcon --reference="$path" "$new" 2> /dev/null
        else
            mode=
            [ ! -s "$own/staged/modes" ] || # what it had, where a rollback brings it back
                mode=$(awk -v path="$path" '$0 == $1 " " path { print $1 }' "$own/staged/modes")
            mode=${mode:-644}
        fi
        say "$mode $path" >> "$given" || fail 1 "cannot write in $own/staged"
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
