# Configure the manager at the address $1, with localMemberPort $2 and Offset $3.
set -eu
carbon-join "$home" "$1" mgt "$1"
sed -i -e "s|\(<parameter name=\"localMemberPort\">\)[^<]*|\1$2|" "$home/repository/conf/axis2/axis2.xml"
sed -i -e "s|<Offset>[^<]*|<Offset>$3|" "$home/repository/conf/carbon.xml"
