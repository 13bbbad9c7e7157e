
# The script looks at the JDK. With `test` JAVACMD is "exec ...", which is no program: the look comes to
# nothing, and a newer JDK gets an option that it does not start with.
if [ -z "$JVM_MEM_OPTS" ]; then
  JVM_MEM_OPTS="-Xms16m -Xmx64m"
  "$JAVACMD" -version 2>&1 | grep -q '"1[7-9]' || JVM_MEM_OPTS="$JVM_MEM_OPTS -XX:MaxPermSize=256m"
fi
