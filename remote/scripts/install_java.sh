# Print the version of a JDK, and change nothing.
# Values: JAVA_DIR
# Output: the version, such as 1.8.0_392, or nothing
version=
if [ -r "$JAVA_DIR/release" ]; then version=$(sed -n 's/^JAVA_VERSION="\([^"]*\)".*/\1/p' "$JAVA_DIR/release" | head -n 1); fi
if [ -z "$version" ] && [ -x "$JAVA_DIR/bin/java" ]; then
    version=$("$JAVA_DIR/bin/java" -version 2>&1 < /dev/null | sed -n 's/.*version "\([^"]*\)".*/\1/p' | head -n 1)
fi
say "$version"
