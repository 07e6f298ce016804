#!/usr/bin/env bash
# try.sh SUITE ARCH [DEB]: build the package, or take DEB, and try it without any network in a fresh Debian of that kind:
# install, upgrade with changed settings, remove, purge. On this machine's own processor Debian is booted, with systemd in
# charge; of another processor the programs are run by qemu-user, without systemd. Keeps the fresh Debian in build/.
set -euo pipefail
SUITE=$1 ARCH=$2
cd "$(dirname "$0")/../.."
SUDO=$([ "$(id -u)" = 0 ] || echo sudo)
say() { echo "$*" >&2; }

if [ -n "${3:-}" ]; then
  DEB=$3
else
  DEB=$(systemd/debian/build.sh "$SUITE" "$ARCH")
fi
ROOT=$PWD/build/root-try-$SUITE-$ARCH JOB=$PWD/build/deb/try-$SUITE-$ARCH
rm -rf "$JOB"
mkdir -p "$JOB"
cp "$DEB" "$JOB/antiphon.deb"
cp systemd/debian/tried.sh "$JOB/"

# The next version: the same files under a higher number.
dpkg-deb --raw-extract "$DEB" "$JOB/next"
sed -i 's/^Version: .*/&+next/' "$JOB/next/DEBIAN/control"
dpkg-deb --root-owner-group -Znone --build "$JOB/next" "$JOB/next.deb" >/dev/null
rm -rf "$JOB/next"

NEEDS=$(dpkg-deb --field "$DEB" Depends | sed 's/ *([^)]*)//g; s/|[^,]*//g; s/, */,/g'),systemd-sysv,dbus,procps
if [ ! -e "$ROOT.ok" ] || [ "$(cat "$ROOT.ok")" != "$NEEDS" ]; then
  say "Making a fresh Debian: $SUITE for $ARCH, with what the package depends on"
  $SUDO rm -rf "$ROOT" "$ROOT.ok"
  $SUDO mmdebstrap --quiet --variant=minbase --architectures="$ARCH" --aptopt='APT::Install-Recommends "false"' \
    --include="$NEEDS" "$SUITE" "$ROOT" >"$ROOT.log" 2>&1 || { tail -n 20 "$ROOT.log" >&2; exit 2; }
  echo "$NEEDS" >"$ROOT.ok"
fi

BOOT=$([ "$ARCH" = "$(dpkg --print-architecture)" ] && command -v systemd-nspawn || true)
say "Trying $(basename "$DEB") in $SUITE for $ARCH, ${BOOT:+booted}${BOOT:-by qemu-user}"
# In mounts of its own, which end with it; what it writes stays in memory.
$SUDO unshare --mount --cgroup --net --propagation=private bash -eu -s "$ROOT" "$JOB" "$BOOT" <<'MOUNTED'
root=$1 job=$2 boot=$3
ip link set lo up
work=$(mktemp -d)
mount -t tmpfs work "$work"
mkdir "$work"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" "$work/root"
root=$work/root
mkdir "$root/job"
mount --bind "$job" "$root/job"
: >"$root/etc/machine-id"
printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
if [ -n "$boot" ]; then
  mount -t cgroup2 cgroup "$(mktemp -d -p "$work")" 2>/dev/null || true
  umount -l /sys/fs/cgroup 2>/dev/null || true
  mount -t cgroup2 cgroup /sys/fs/cgroup
  cat >"$root/etc/systemd/system/tried.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c "sh /job/tried.sh >/job/said 2>&1; echo $? >/job/status; systemctl exit"
UNIT
  sed -i 's/\$?/$$?/' "$root/etc/systemd/system/tried.service"
  mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
  ln -s ../tried.service "$root/etc/systemd/system/multi-user.target.wants/"
  timeout 300 systemd-nspawn --quiet --register=no --keep-unit --boot --directory="$root" --bind="$job":/job \
    --private-network </dev/null >"$job/console" 2>&1 || { tail -n 20 "$job/console"; exit 1; }
else
  mount -t proc proc "$root/proc"
  # The wake words' library crashes where it cannot tell the processor: qemu-user shows it this machine's own.
  mount --rbind /sys "$root/sys"
  for n in 0 1 2 3; do
    printf 'processor\t: %s\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\nCPU architecture: 8\n' $n
    printf 'CPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\n'
  done >"$work/cpuinfo"
  mount --bind "$work/cpuinfo" "$root/proc/cpuinfo"
  mount --bind /dev "$root/dev"
  timeout 900 chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    sh /job/tried.sh >"$job/said" 2>&1 && echo 0 >"$job/status" || echo $? >"$job/status"
fi
MOUNTED
cat "$JOB/said"
exit "$(cat "$JOB/status")"
