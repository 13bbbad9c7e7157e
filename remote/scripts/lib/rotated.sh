# What the log became: log4j renames the log itself, even if it is a link; logrotate renames the link's target.
# Sets: rotated, number and path.

# list_since INODE: into `rotated`, the files that the log was since it had this inode, that one first and the log
# last, a line `INODE PATH` each. It is empty if that file is gone.
list_since() {
    rotated='' listed=$NEWLINE past=no
    target=$(readlink -f -- "$log")
    while read -r number path; do
        [ -n "$path" ] || continue
        [ "$number" != "$1" ] || past=yes
        case $past$listed$path in no* | *"$NEWLINE$number$NEWLINE"* | *.gz | *.bz2 | *.xz | *.zip) continue ;; esac
        listed=$listed$number$NEWLINE
        rotated=$rotated$number' '$path$NEWLINE
    done << END
$(ls -iLtr -- "$log" "$log".* "${log%.log}"-[0-9]*.log "$target" "$target".* "${target%.log}"-[0-9]*.log 2> /dev/null)
END
}
