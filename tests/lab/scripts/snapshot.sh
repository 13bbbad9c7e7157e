# Describe every file below the home $1 and /etc/hosts: with `times`, type, owner, mode, time, digest
# and path, so that not even the same bytes can be written unseen; with `contents`, type, owner, mode
# and digest, and nothing of .provision. What a running server writes itself is left out.
home=$1 own='' format='%y %u:%g %m %l %p\n' file_format='%T@ %p\n'
if [ "$2" = contents ]; then own=$home/.provision file_format=; fi

list() {
    find "$home" \( -path "$home/repository/logs" -o -path "$home/tmp" -o -path "$home/wso2carbon.pid" \
        -o -path "$home/.provision/console.log*" -o -path "$own" \) -prune -o "$@"
}

list -printf "$format" | sort
list ! -type d -printf "$file_format" | sort
list -type f -print | sort | tr '\n' '\0' | xargs -0 -r sha256sum
[ "$2" = contents ] || stat -c '%F %U:%G %a %Y %n' /etc/hosts
sha256sum /etc/hosts
