#!/usr/bin/env bash
# One line where there is no Docker engine, or a Compose that is too old for our files.
set -euo pipefail
say() { echo "This needs Docker${1:+ ($1)}: $2" >&2; exit 1; }
extra=${1:-}
command -v docker >/dev/null || say "$extra" 'install it (https://docs.docker.com/engine/install/), or use make demo, which needs none.'
docker info >/dev/null 2>&1 || say "$extra" 'no engine answers. Start it, or let this user use it (group docker).'
version=$(docker compose version --short 2>/dev/null | sed 's/^v//' || true)
case $version in
  '') say "$extra" 'the Compose plugin is missing (docker compose version).' ;;
  1.* | 2.?.* | 2.1?.* | 2.2[0-3].*) say "$extra" "Compose $version is too old, 2.24 or newer is needed." ;;
esac
