#!/bin/sh
# Makes one module of JUnit 5, JUnit 4 and what they need, and one of the runner. What tests may use is exported to all;
# the launcher and the engines to the runner alone.
#   modules.sh SOURCES OUT
set -eux
sources=$1
out=$2
work=$(mktemp -d)
mkdir -p "$work/junit" "$work/unit" "$work/prepare" "$out"
cd "$work/junit"
for jar in junit-jupiter-api junit-jupiter-engine junit-jupiter-params junit-platform-commons junit-platform-engine \
    junit-platform-launcher junit-vintage-engine junit4 hamcrest opentest4j apiguardian-api univocity-parsers; do
  jar --extract --file "/usr/share/java/$jar.jar"
  rm -rf META-INF module-info.class
done
packages() { find . -name '*.class' -printf '%h\n' | sort -u | sed 's|^\./||; s|/|.|g'; }
{
  echo 'module org.junit {'
  echo '  requires java.logging;'
  for package in $(packages); do
    case $package in
      com.univocity.* | *.internal | *.internal.*) ;;
      org.junit.platform.* | org.junit.jupiter.engine | org.junit.jupiter.engine.* | org.junit.vintage.*)
        echo "  exports $package to iteratione.unit;" ;;
      *) echo "  exports $package;" ;;
    esac
  done
  echo '}'
} >"$work/module-info.java"
# The runner's module is made after this one.
javac -Xlint:-module --patch-module "org.junit=$work/junit" -d "$work/junit" "$work/module-info.java"
jar --create --file "$out/junit.jar" -C "$work/junit" .
export='java.base/jdk.internal.access=iteratione.unit'
javac -Xlint:all -Werror -encoding UTF-8 --module-path "$out/junit.jar" --add-exports "$export" -d "$work/unit" \
  "$sources/run/module-info.java" "$sources"/run/iteratione/unit/*.java
jar --create --file "$out/unit.jar" --main-class iteratione.unit.Main -C "$work/unit" .
javac -Xlint:all -Werror -encoding UTF-8 -d "$work/prepare" "$sources"/prepare/*.java
jar --create --file "$out/../prepare.jar" --main-class Prepare -C "$work/prepare" .
rm -rf "$work"
