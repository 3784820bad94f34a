#!/bin/sh
# Makes the virtual machine in which tests run: one that has the runner's module, those that it requires and no others,
# so that there is neither sun.misc.Unsafe nor an agent, a debugger or a compiler in it; and an archive of the classes
# that running a test loads. The last run insists on the archive.
#   runtime.sh SOURCES MODULES OUT
set -eux
sources=$1
modules=$2
out=$3
jlink --module-path "$modules" --add-modules iteratione.unit --strip-java-debug-attributes --no-header-files \
  --no-man-pages --compress zip-6 --output "$out"
rm -rf "$out/legal" "$out/bin/keytool" "$out/lib/server/classes.jsa"
work=$(mktemp -d)
mkdir -p "$work/src/sources" "$work/build"
cp "$sources"/train/*Test.java "$work/src/sources/"
javac -encoding UTF-8 -d "$work/build" "$sources/train/Shelf.java" "$sources/train/Request.java"
java -jar "$modules/../prepare.jar" "$work/build" "$work/tests" "$work/src/sources"
run() {
  "$out/bin/java" -XX:+UseSerialGC -ea --add-exports java.base/jdk.internal.access=iteratione.unit \
    -Dfile.encoding=UTF-8 -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 -Djava.awt.headless=true \
    "$@" -m iteratione.unit/iteratione.unit.Main
}
for test in ShelfTest OldShelfTest; do
  java -cp "$work/build" Request "$work/tests/0/all" "$test" "$work/build" >"$work/$test"
  run -Xshare:off "-XX:DumpLoadedClassList=$work/$test.list" <"$work/$test" 3>"$work/records"
  grep -q '"event":"end"' "$work/records"
  # Numbers are for one list alone.
  grep -v -E '^#|source:|Shelf' "$work/$test.list" | sed 's/ id: [0-9]*$//' >>"$work/all"
done
awk '!seen[$0]++' "$work/all" >"$work/classes"
# With G1 it holds objects too, see ../Dockerfile.
"$out/bin/java" -Xshare:dump -XX:+UseG1GC "-XX:SharedClassListFile=$work/classes" \
  "-XX:SharedArchiveFile=$out/lib/unit.jsa" --add-exports java.base/jdk.internal.access=iteratione.unit \
  -m iteratione.unit/iteratione.unit.Main >/dev/null 2>&1
chmod 444 "$out/lib/unit.jsa"
run "-XX:SharedArchiveFile=$out/lib/unit.jsa" -Xshare:on "-Xlog:class+load:file=$work/log" <"$work/ShelfTest" 3>"$work/records"
grep -q '"event":"end"' "$work/records"
grep -q 'org.junit.jupiter.engine.JupiterTestEngine source: shared objects file' "$work/log"
# What may be executed and not read makes a process whose memory and descriptors are nobody's but root's.
chmod 111 "$out/bin/java"
rm -rf "$work"
