# Give a deployed worker what one has after a while: artifacts that the synchronizer checked out,
# and the bundle $2 that the product makes of the driver $1.
set -eu
cd "$home/repository"
mkdir -p deployment/server/webapps
echo checked-out > deployment/server/webapps/shop.war
cp "components/lib/$1" "components/dropins/$2"
chown --reference=. deployment/server/webapps deployment/server/webapps/shop.war "components/dropins/$2"
