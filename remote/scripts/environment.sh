# Say with which of the variables asked for the server runs, and change nothing.
# Values: HOME_DIR, VARIABLES (a grep -E expression for their names)
# Output: variable NAME=VALUE (a line break in a value is \001), closed (the process is another account's)
find_carbon || exit 0
given=$(tr '\n\0' '\001\n' 2> /dev/null < "/proc/$pid/environ") && [ -n "$given" ] || { say closed; exit 0; }
printf '%s\n' "$given" | grep -aE -e "^($VARIABLES)=" | sed 's/^/variable /'
exit 0
