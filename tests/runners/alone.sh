#!/usr/bin/env bash
# Runs a command in a network of its own, which is loopback alone, since Prism and Beam's worker pools listen on all
# interfaces; and so that whatever it has started ends with it.
set -euo pipefail
ALONE=(unshare --map-root-user --net --pid --fork --kill-child --mount-proc)
if "${ALONE[@]}" ip link set lo up 2>/dev/null; then
  exec "${ALONE[@]}" sh -c 'ip link set lo up && "$@"' sh "$@"
fi
echo "no network of its own can be made here, so whoever reaches this machine reaches the engines too" >&2
exec "$@"
