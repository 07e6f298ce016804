#!/bin/sh
# prune.sh VENV: take out what an appliance never uses, a quarter of the whole: tests, headers, commands of others,
# accelerators for other chips, pip's notes.
set -eu
venv=$1
site=$(echo "$venv"/lib/python3*/site-packages)
rm -rf "$venv"/.gitignore "$venv"/include "$venv"/lib64 "$venv"/share "$venv"/bin/[!ap]* "$venv"/bin/a[!n]* "$venv"/bin/p[!y]* "$venv"/bin/py[!t]* \
  "$site"/numpy/f2py "$site"/numpy/distutils "$site"/numpy/_core/include "$site"/numpy/_core/lib \
  "$site"/ai_edge_litert/tools "$site"/ai_edge_litert/vendors "$site"/ai_edge_litert/libLiteRtWebGpuAccelerator.so \
  "$site"/livekit/rtc/resources/jupyter-html
find "$site"/numpy -depth -type d -name tests -exec rm -rf {} +
find "$site" \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.h' -o -path '*.dist-info/RECORD' \
  -o -path '*.dist-info/REQUESTED' -o -path '*.dist-info/direct_url.json' \) -type f -exec rm -f {} +
# The one library that comes with its symbols: 3 MB of them.
strip --strip-unneeded "$site"/cryptography/hazmat/bindings/_rust.abi3.so
