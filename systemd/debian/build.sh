#!/usr/bin/env bash
# build.sh SUITE ARCH: make build/deb/antiphon_VERSION_ARCH.deb for that Debian, and print its path.
# Fetches what wheels.lock names with the pip of this environment, natively; then works in a chroot of that Debian.
# $VERSION overrides the version, $SOURCE_DATE_EPOCH the time of all files. Keeps the chroot in build/.
set -euo pipefail
SUITE=$1 ARCH=$2
cd "$(dirname "$0")/../.."
HERE=systemd/debian PIP=(.venv/bin/python -m pip --disable-pip-version-check --quiet)
case $SUITE in bookworm) PYTHON=3.11 DEBIAN=12 ;; trixie) PYTHON=3.13 DEBIAN=13 ;; *) echo "SUITE is bookworm or trixie" >&2; exit 2 ;; esac
case $ARCH in amd64) MACHINE=x86_64 ;; arm64) MACHINE=aarch64 ;; *) echo "ARCH is amd64 or arm64" >&2; exit 2 ;; esac
ROOT=$PWD/build/root-$SUITE-$ARCH WORK=$PWD/build/deb/$SUITE-$ARCH TREE=$PWD/build/deb/$SUITE-$ARCH/tree
SUDO=$([ "$(id -u)" = 0 ] || echo sudo)
say() { printf '%4d s  %s\n' $SECONDS "$*" >&2; }

# Before a release: 0.1.0~dev412+deb13, so that each build is newer than the one before, and the release newer than all.
version() {
  local release; release=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
  if git rev-parse -q --verify HEAD >/dev/null 2>&1 && [ "$(git describe --exact-match --tags 2>/dev/null)" != "v$release" ]; then
    release="$release~dev$(git rev-list --count HEAD)"
  fi
  echo "$release+deb$DEBIAN"
}
VERSION=${VERSION:-$(version)}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y pyproject.toml)}

# ── wheels ──
say "antiphon $VERSION for $SUITE on $ARCH: the first time that takes some ten minutes"
$SUDO rm -rf "$WORK"
mkdir -p "$WORK/wheels" "$WORK/made"
STORE=build/wheels/$SUITE-$ARCH-$(sha256sum $HERE/wheels.lock | cut -c1-12)
if [ ! -e "$STORE/ok" ]; then
  say "Fetching the Python packages of wheels.lock"
  platforms=(--platform="manylinux2014_$MACHINE")
  for minor in {5..36}; do platforms+=(--platform="manylinux_2_${minor}_$MACHINE"); done
  # pip wants to know of each package whether it is a wheel: those that are not are all that is not for this machine.
  sources='lgpio|PyAudio|spidev|systemd-python'
  python3 - "$HERE/wheels.lock" "$sources" "$WORK" <<'PY'
import re, sys
lock, sources, work = sys.argv[1:]
entries = [one for one in re.split(r"\n(?=\S)", open(lock).read()) if not one.startswith("#")]
built = [one for one in entries if re.match(rf"({sources})==", one)]
open(f"{work}/sources.txt", "w").write("\n".join(built))
open(f"{work}/wheels.txt", "w").write("\n".join(one for one in entries if one not in built))
PY
  "${PIP[@]}" download --no-deps --require-hashes --dest="$STORE" --only-binary=:all: --python-version=$PYTHON \
    --implementation=cp --abi="cp${PYTHON/./}" --abi=abi3 --abi=none "${platforms[@]}" -r "$WORK/wheels.txt"
  "${PIP[@]}" download --no-deps --require-hashes --dest="$STORE" --no-binary=:all: -r "$WORK/sources.txt"
  touch "$STORE/ok"
fi
cp "$STORE"/*.whl "$STORE"/*.tar.gz "$WORK/wheels/"
say "Making a wheel of Antiphon"
PIP_CONSTRAINT=$HERE/tools.lock PIP_BUILD_CONSTRAINT=$HERE/tools.lock \
  "${PIP[@]}" wheel --no-deps --wheel-dir="$WORK/wheels" .

# ── a chroot of that Debian ──
PACKAGES=ca-certificates,python3,python3-venv,python3-pip,python3-setuptools,python3-wheel,python3-dev,gcc,libc6-dev,dpkg-dev
PACKAGES+=,pkg-config,portaudio19-dev,libsystemd-dev,swig,libspeexdsp1
if [ "$ARCH" != "$(dpkg --print-architecture)" ] && ! arch-test "$ARCH" >/dev/null; then
  # A machine without binfmt.service, such as a container, may not have said yet who runs programs of other processors.
  mountpoint -q /proc/sys/fs/binfmt_misc || $SUDO mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  $SUDO update-binfmts --enable "qemu-$MACHINE"
fi
if [ ! -e "$ROOT.ok" ] || [ "$(cat "$ROOT.ok")" != "$PACKAGES" ]; then
  say "Making a chroot of $SUITE for $ARCH, which is kept: some minutes"
  $SUDO rm -rf "$ROOT" "$ROOT.ok"
  $SUDO mmdebstrap --quiet --variant=minbase --architectures="$ARCH" --aptopt='APT::Install-Recommends "false"' \
    --include="$PACKAGES" "$SUITE" "$ROOT" >"$ROOT.log" 2>&1 || { tail -n 20 "$ROOT.log" >&2; exit 2; }
  $SUDO mkdir -p "$ROOT/usr/lib/antiphon" "$ROOT/build"
  echo "$PACKAGES" >"$ROOT.ok"
fi

# ── the environment, built where it will be used ──
say "Building in the chroot$([ "$ARCH" = "$(dpkg --print-architecture)" ] || echo ", as an emulated processor: minutes a step")"
mkdir -p "$TREE/usr/lib/antiphon"
cp $HERE/inside.sh $HERE/plugins.sh $HERE/prune.sh "$WORK/"
# In mounts of its own, which end with it.
$SUDO unshare --mount --propagation=private bash -euc '
  mount --bind "$1" "$0/build"; mount --bind "$2" "$0/usr/lib/antiphon"
  mount -t tmpfs tmp "$0/tmp"; mount -t proc proc "$0/proc"; mount --rbind /sys "$0/sys"; mount --bind /dev "$0/dev"
  exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 SOURCE_DATE_EPOCH="$3" sh /build/inside.sh
' "$ROOT" "$WORK" "$TREE/usr/lib/antiphon" "$SOURCE_DATE_EPOCH" >&2
$SUDO chown -R "$(id -u):$(id -g)" "$WORK"

# ── the package ──
say "Packing it"
put() { install -D -m "$1" "$2" "$TREE/$3"; }
mkdir -p "$TREE/usr/bin" "$TREE/DEBIAN" "$TREE/etc/antiphon/boards"
ln -s ../lib/antiphon/bin/antiphon "$TREE/usr/bin/antiphon"
put 644 systemd/antiphon.service usr/lib/systemd/system/antiphon.service
put 644 systemd/antiphon.sysusers usr/lib/sysusers.d/antiphon.conf
put 644 systemd/antiphon.tmpfiles usr/lib/tmpfiles.d/antiphon.conf
put 644 systemd/antiphon.rules usr/lib/udev/rules.d/60-antiphon.rules
[ "$DEBIAN" = 12 ] || put 644 systemd/patience.conf usr/lib/systemd/system/antiphon.service.d/10-patience.conf
put 644 config/etc.yaml etc/antiphon/antiphon.yaml
put 644 config/antiphon.yaml usr/share/antiphon/antiphon.yaml
put 644 config/schema.json usr/share/antiphon/schema.json
put 644 systemd/debian/copyright usr/share/doc/antiphon/copyright
sh $HERE/pages.sh "$TREE/usr/share/doc/antiphon"
gzip -9nc CHANGELOG.md >"$TREE/usr/share/doc/antiphon/NEWS.gz"
put 644 $HERE/lintian-overrides usr/share/lintian/overrides/antiphon
for script in postinst prerm postrm; do put 755 $HERE/$script DEBIAN/$script; done
echo /etc/antiphon/antiphon.yaml >"$TREE/DEBIAN/conffiles"
find "$TREE" -type d -exec chmod 755 {} +
find "$TREE/usr" -type f ! -perm /111 -exec chmod 644 {} +
find "$TREE/usr/lib/antiphon/lib" -type f -exec chmod 644 {} +
sed -e "s/@VERSION@/$VERSION/; s/@ARCH@/$ARCH/; s/@SIZE@/$(du -sk --apparent-size "$TREE" | cut -f1)/" \
  -e "s/@PYTHON@/python3 (>= $PYTHON~), python3 (<< 3.$((${PYTHON#3.} + 1)))/; s/@LIBRARIES@/$(cat "$WORK/libraries")/" $HERE/control.in >"$TREE/DEBIAN/control"
(cd "$TREE" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$TREE" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
DEB=$PWD/build/deb/antiphon_${VERSION}_$ARCH.deb
dpkg-deb --root-owner-group -Zxz --build "$TREE" "$DEB" >/dev/null
say "To install it: sudo apt install .${DEB#"$PWD"}"
echo "$DEB"
