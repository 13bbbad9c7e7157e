# Give a deployed worker what one has after a while: artifacts that the synchronizer checked out,
# the bundle $2 that the product makes of the driver $1, a dropin, a keystore and a log4j.properties.
set -eu
cd "$home/repository"
mkdir -p deployment/server/webapps
echo checked-out > deployment/server/webapps/shop.war
cp "components/lib/$1" "components/dropins/$2"
mkdir -p resources/security
echo old > components/dropins/old_1.0.0.jar
echo keys > resources/security/client.jks
echo level=INFO > conf/log4j.properties
chmod 600 resources/security/client.jks
chown --reference=. components/dropins/old_1.0.0.jar resources/security resources/security/client.jks conf/log4j.properties
chown --reference=. deployment/server/webapps deployment/server/webapps/shop.war "components/dropins/$2"
