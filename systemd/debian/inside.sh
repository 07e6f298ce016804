#!/bin/sh
# Runs in a chroot of the Debian that the package is for, with /build from outside: builds what has no wheel, puts all
# wheels into /usr/lib/antiphon, compiles them, and says in /build/depends what libraries they need. Needs no network.
set -eu

HOME=/tmp
export HOME PIP_NO_INDEX=1 PIP_NO_DEPS=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# What pip builds lies in a folder whose name is never the same twice, so none of it may be told.
CFLAGS="$(dpkg-buildflags --get CFLAGS) -g0 -fPIC" LDFLAGS="$(dpkg-buildflags --get LDFLAGS)"
export CFLAGS LDFLAGS PYPI=1 # PYPI: lgpio's C library goes into its wheel
umask 022
venv=/usr/lib/antiphon
step() { echo "        $*"; }

cd /build
step "Compiling what has no wheel"
python3 -m pip wheel --quiet --use-pep517 --no-build-isolation --wheel-dir made wheels/*.tar.gz

python=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
step "Unpacking $(find made wheels -name '*.whl' | wc -l) wheels"
"$python" -m venv --without-pip "$venv" # by its whole name: the links in bin/ then lead to it
python3 -m pip --python "$venv/bin/python3" install --quiet --no-compile made/*.whl wheels/*.whl

site=$(echo "$venv"/lib/python3*/site-packages)
sh prune.sh "$venv"
ln -sf "../../../bin/$python" "$venv/bin/$python" # relative, as Debian wants it within /usr

cat >"$venv/bin/antiphon" <<'PYTHON'
#!/usr/lib/antiphon/bin/python3 -I
import sys

from antiphon.__main__ import main

sys.exit(main())
PYTHON
chmod 755 "$venv/bin/antiphon"
sh plugins.sh "$venv"

step "Compiling to byte code"
# The sources never change under their byte code, so nobody needs to compare them.
"$venv/bin/python3" -m compileall -q --invalidation-mode unchecked-hash "$site"

step "Importing every module"
# Nothing is missing: every module of ours can be imported.
cd /tmp
"$venv/bin/python3" -I - <<'PYTHON'
import importlib
import pkgutil

import antiphon
import lgpio, livekit.rtc, mcp, spidev, systemd.daemon

for module in pkgutil.walk_packages(antiphon.__path__, "antiphon."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
PYTHON

step "Asking what its libraries need"
mkdir -p /tmp/shlibs/debian
cd /tmp/shlibs
printf 'Source: antiphon\n\nPackage: antiphon\nArchitecture: any\n' >debian/control
find "$site" -name '*.so' -o -name '*.so.*' >libraries
dirname $(cat libraries) | sort -u | sed 's/^/-l/' >places
dpkg-shlibdeps -O --ignore-missing-info $(cat places) $(sed 's/^/-e/' libraries) 2>/build/shlibdeps.log >substvars
sed -n 's/^shlibs:Depends=//p' substvars >/build/libraries
