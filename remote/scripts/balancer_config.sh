# Send nginx's own configuration, as far as the login can read it, and change nothing.
# Output: conf PATH, unreadable PATH, files, then a tar of absolute paths without their first slash

# find_conf: into `conf`, the file that nginx begins with: by the arguments of its master process, or by how it was built.
find_conf() {
    conf=$(cat /proc/[0-9]*/cmdline 2> /dev/null | tr '\0' '\n' | sed -n 's/^nginx: master process .* -c \([^ ]*\).*/\1/p' | head -n 1)
    [ -z "$conf" ] || return 0
    for program in nginx /usr/sbin/nginx /usr/local/sbin/nginx /usr/local/nginx/sbin/nginx; do
        built=$("$program" -V 2>&1) || continue
        case $built in *--conf-path=*) conf=${built##*--conf-path=} && conf=${conf%%[\' ]*} && return 0 ;; esac
    done
    for conf in /etc/nginx/nginx.conf /usr/local/nginx/conf/nginx.conf; do [ ! -e "$conf" ] || return 0; done
    fail 1 "no configuration of nginx is there (/etc/nginx/nginx.conf)"
}

# find_included FILE: into `included`, the paths that its include directives lead to, with their patterns expanded.
find_included() {
    patterns=$(sed 's/#.*//' "$1" | grep -aoE '(^|[{};[:space:]])include[[:space:]]+[^;]+;' |
        sed -e 's/^.*include[[:space:]]*//' -e "s/[[:space:]\"';]*\$//" -e "s/^[\"']//")
    separators=$IFS
    IFS=$NEWLINE
    # shellcheck disable=SC2086 # split and expanded on purpose
    set -- $patterns
    IFS=$separators
    included=
    for path; do included=$included$path$NEWLINE; done
}

find_conf
cd "${conf%/*}" 2> /dev/null || fail 1 "cannot enter ${conf%/*}"
[ -r "$conf" ] || fail 1 "cannot read $conf"
say "conf $conf"
todo=$conf$NEWLINE
taken=$NEWLINE
left=1000 # files; an include that leads back to itself ends, too
while [ -n "$todo" ] && [ $left -gt 0 ]; do
    path=${todo%%"$NEWLINE"*}
    todo=${todo#*"$NEWLINE"}
    case $path in /*) ;; *) path=${conf%/*}/$path ;; esac
    case $taken in *"$NEWLINE$path$NEWLINE"*) continue ;; esac
    if [ ! -e "$path" ]; then
        case $path in # a pattern may match nothing; but not because its folder hides it
            *[*?[]*) [ -r "${path%/*}" ] || [ ! -e "${path%/*}" ] || say "unreadable ${path%/*}" ;;
            *) say "unreadable $path" ;;
        esac
    elif [ ! -f "$path" ] || [ ! -r "$path" ] || [ "$(stat -L -c %s -- "$path")" -gt 1048576 ]; then say "unreadable $path"
    else
        left=$((left - 1))
        taken=$taken$path$NEWLINE
        find_included "$path"
        todo=$included$todo
    fi
done
say "files"
separators=$IFS
IFS=$NEWLINE
set -f
# shellcheck disable=SC2086 # split on purpose
set -- $taken
IFS=$separators
for path; do
    shift
    set -- "$@" "${path#/}"
done
cd / && tar --hard-dereference -cf - -b 1 -h -- "$@" etc/hosts
