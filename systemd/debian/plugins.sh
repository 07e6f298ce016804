#!/bin/sh
# plugins.sh VENV: let it find Python packages that the owner adds, docs/tools.md says how. They lie where the
# installation never writes or takes away, root's own, and come last: none of them replaces one that it has.
set -eu
site=$(echo "$1"/lib/python3*/site-packages)
python=$(basename "$(dirname "$site")")
echo "/usr/local/lib/antiphon-plugins/lib/$python/site-packages" >"$site/antiphon-plugins.pth"
