# Print pid and start time of the server that runs from the home $1, if there is one.
for process in $(grep -lsaE '^[^ ]*/java' /proc/[0-9]*/cmdline | sed 's|/cmdline||'); do
    if tr '\0' '\n' < "$process/cmdline" | grep -qxF -e "-Dcarbon.home=$1"; then
        echo "${process#/proc/} $(sed 's/.*) //' "$process/stat" | cut -d ' ' -f 20)"
    fi
done
