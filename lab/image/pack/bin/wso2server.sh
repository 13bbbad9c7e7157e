#!/bin/sh
# Runs the stand-in with the manners of the product's script of kernel 4.4.1.
# make-pack derives the variant of kernel 4.2.0 from this file.

# Where this file really is, through any links.
PRG="$0"
while [ -h "$PRG" ]; do
  target=$(readlink "$PRG")
  case "$target" in
    /*) PRG="$target" ;;
    *) PRG=$(dirname "$PRG")/"$target" ;;
  esac
done

# CARBON_HOME of the environment wins, even where it belongs to another server.
[ -z "$CARBON_HOME" ] && CARBON_HOME=$(cd "$(dirname "$PRG")/.." && pwd)

if [ -z "$JAVACMD" ]; then
  if [ -n "$JAVA_HOME" ]; then
    JAVACMD="$JAVA_HOME/bin/java"
  else
    JAVACMD=java
  fi
fi
if [ ! -x "$JAVACMD" ]; then
  echo "Error: JAVA_HOME is not defined correctly."
  echo " CARBON cannot execute $JAVACMD"
  exit 1
fi
if [ -z "$JAVA_HOME" ]; then
  echo "You must set the JAVA_HOME variable before running CARBON."
  exit 1
fi

if [ -e "$CARBON_HOME/wso2carbon.pid" ]; then
  PID=$(cat "$CARBON_HOME/wso2carbon.pid")
fi

# A command may stand anywhere, with one dash, two or none; the last one counts.
args=""
for c in $*; do
  if [ "$CMD" = debug ] && [ -z "$PORT" ]; then
    PORT=$c
    continue
  fi
  case "$c" in
    debug | -debug | --debug) CMD=debug ;;
    start | -start | --start) CMD=start ;;
    stop | -stop | --stop) CMD=stop ;;
    restart | -restart | --restart) CMD=restart ;;
    version | -version | --version) CMD=version ;;
    test | -test | --test) CMD=test ;;
    *) args="$args $c" ;;
  esac
done

if [ "$CMD" = debug ]; then
  if [ -z "$PORT" ]; then
    echo " Please specify the debug port after the --debug option"
    exit 1
  fi
  JAVA_OPTS="-agentlib:jdwp=transport=dt_socket,server=y,suspend=y,address=$PORT"
  echo "Please start the remote debugging client to continue..."
elif [ "$CMD" = start ]; then
  if [ -e "$CARBON_HOME/wso2carbon.pid" ]; then
    if ps -p $PID > /dev/null; then
      echo "Process is already running"
      exit 0
    fi
  fi
  export CARBON_HOME
  nohup sh $CARBON_HOME/bin/wso2server.sh $args > /dev/null 2>&1 &
  exit 0
elif [ "$CMD" = stop ]; then
  export CARBON_HOME
  kill -term $(cat "$CARBON_HOME/wso2carbon.pid")
  exit 0
elif [ "$CMD" = restart ]; then
  export CARBON_HOME
  kill -term $(cat "$CARBON_HOME/wso2carbon.pid")
  while ps -p $PID > /dev/null; do
    sleep 1
  done
  nohup sh $CARBON_HOME/bin/wso2server.sh $args > /dev/null 2>&1 &
  exit 0
elif [ "$CMD" = test ]; then
  JAVACMD="exec $JAVACMD"
elif [ "$CMD" = version ]; then
  cat "$CARBON_HOME/bin/version.txt"
  cat "$CARBON_HOME/bin/wso2carbon-version.txt"
  exit 0
fi

echo "JAVA_HOME environment variable is set to $JAVA_HOME"
echo "CARBON_HOME environment variable is set to $CARBON_HOME"
rm -rf "$CARBON_HOME/tmp"
cd "$CARBON_HOME"

# The admin console restarts a server by exit status 121. Any other one is lost: this ends with 0.
status=121
while [ "$status" = 121 ]; do
  $JAVACMD \
    -Xms16m -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
    $JAVA_OPTS \
    -classpath "$CARBON_HOME/bin/bootstrap.jar:$CARBON_HOME/lib/*" \
    -Dcarbon.home="$CARBON_HOME" \
    -Djava.io.tmpdir="$CARBON_HOME/tmp" \
    -Djava.net.preferIPv4Stack=true \
    -DworkerNode=false \
    org.wso2.carbon.bootstrap.Bootstrap $*
  status=$?
done
