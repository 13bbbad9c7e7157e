# Compile the stand-in, $folder/Bootstrap.java, with what a JRE has for that.
set -eu
cd "$folder"
java -m jdk.compiler/com.sun.tools.javac.Main -XDstringConcat=inline -d classes Bootstrap.java
java -m jdk.jartool/sun.tools.jar.Main -cf bootstrap.jar -C classes .
rm -rf classes
