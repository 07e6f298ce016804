#!/bin/sh
# pages.sh FOLDER: put the pages there, README.md and those it leads to, as they lie beside one another in the sources.
set -eu
to=$1
cd "$(dirname "$0")/../.."
rm -rf "$to/docs" "$to/hardware"
for page in README.md docs/*.md hardware/*.md hardware/wiring/*.svg hardware/boards/*.yaml systemd/README.md \
  config/README.md config/*.yaml config/schema.json \
  daemon/README.md daemon/antiphon/conversation/README.md tests/README.md; do
  install -D -m 644 "$page" "$to/$page"
done
