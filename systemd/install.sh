#!/usr/bin/env bash
# install.sh install|uninstall: what the package does, from a clone into /usr/local, with the same pinned Python packages.
# Asks sudo where it must. With $PURGE, `uninstall` leaves no settings, key or user either.
set -euo pipefail
cd "$(dirname "$0")/.."
PREFIX=/usr/local PYTHON=/usr/bin/python3 # the distribution's own: the service may not look into anybody's home
LIB=$PREFIX/lib
FILES=("$LIB/antiphon" "$PREFIX/bin/antiphon" "$LIB/systemd/system/antiphon.service" "$LIB/systemd/system/antiphon.service.d"
  "$LIB/sysusers.d/antiphon.conf" "$LIB/tmpfiles.d/antiphon.conf" "$LIB/udev/rules.d/60-antiphon.rules"
  "$PREFIX/share/doc/antiphon")
GROUPS_MADE=/var/lib/misc/antiphon-groups # as in debian/postinst
SUDO=$([ "$(id -u)" = 0 ] || echo sudo)

booted() { [ -d /run/systemd/system ]; }

wheels() { # into build/install, as whoever calls this
  rm -rf build/install
  mkdir -p build/install
  "$PYTHON" -m venv build/install/venv
  local pip=(build/install/venv/bin/python -m pip --quiet --disable-pip-version-check)
  "${pip[@]}" install --upgrade pip setuptools wheel # Debian 12's pip is older than `--python` needs to be sound
  PYPI=1 "${pip[@]}" wheel --no-deps --require-hashes --wheel-dir=build/install/wheels -r systemd/debian/wheels.lock
  PIP_CONSTRAINT=systemd/debian/tools.lock PIP_BUILD_CONSTRAINT=systemd/debian/tools.lock \
    "${pip[@]}" wheel --no-deps --wheel-dir=build/install/wheels .
}

place() {
  $SUDO rm -rf "$LIB/antiphon"
  $SUDO "$PYTHON" -m venv --without-pip "$LIB/antiphon"
  $SUDO build/install/venv/bin/python -m pip --quiet --disable-pip-version-check --python "$LIB/antiphon/bin/python3" \
    install --no-index --no-deps build/install/wheels/*.whl
  $SUDO sh systemd/debian/prune.sh "$LIB/antiphon"
  $SUDO sh systemd/debian/plugins.sh "$LIB/antiphon"
  $SUDO ln -sf "../lib/antiphon/bin/antiphon" "$PREFIX/bin/antiphon"
  sed "s#^ExecStart=/usr/bin/#ExecStart=$PREFIX/bin/#" systemd/antiphon.service >build/install/antiphon.service
  local put=("$SUDO" install -D -m 644)
  [ -n "$SUDO" ] || put=(install -D -m 644)
  "${put[@]}" build/install/antiphon.service "$LIB/systemd/system/antiphon.service"
  if [ "$(systemctl --version | sed -n 's/^systemd \([0-9]*\).*/\1/p')" -ge 254 ]; then
    "${put[@]}" systemd/patience.conf "$LIB/systemd/system/antiphon.service.d/10-patience.conf"
  fi
  "${put[@]}" systemd/antiphon.sysusers "$LIB/sysusers.d/antiphon.conf"
  "${put[@]}" systemd/antiphon.tmpfiles "$LIB/tmpfiles.d/antiphon.conf"
  "${put[@]}" systemd/antiphon.rules "$LIB/udev/rules.d/60-antiphon.rules"
  $SUDO sh systemd/debian/pages.sh "$PREFIX/share/doc/antiphon"
  $SUDO mkdir -p /etc/antiphon/boards
  [ -e /etc/antiphon/antiphon.yaml ] || "${put[@]}" config/etc.yaml /etc/antiphon/antiphon.yaml
}

begin() {
  for group in gpio spi; do
    getent group $group >/dev/null || echo $group | $SUDO tee -a "$GROUPS_MADE" >/dev/null
  done
  $SUDO systemd-sysusers antiphon.conf
  $SUDO systemd-tmpfiles --create antiphon.conf
  booted || return 0
  $SUDO udevadm control --reload 2>/dev/null || true
  $SUDO udevadm trigger --subsystem-match=gpio --subsystem-match=spidev 2>/dev/null || true
  $SUDO systemctl daemon-reload
  $SUDO systemctl --quiet enable antiphon.service
  $SUDO systemctl restart antiphon.service >/dev/null 2>&1 ||
    echo "Antiphon is installed, and does not run yet. 'sudo antiphon setup' asks for what it needs;" \
      "'journalctl -u antiphon -n 5' says what that is."
}

end() {
  if booted; then
    $SUDO systemctl disable --now antiphon.service >/dev/null 2>&1 || true
  fi
  $SUDO rm -rf "${FILES[@]}"
  if booted; then
    $SUDO systemctl daemon-reload
    $SUDO udevadm control --reload 2>/dev/null || true
  fi
  if [ -n "${PURGE:-}" ]; then $SUDO sh systemd/debian/postrm purge; fi
}

command -v systemd-sysusers >/dev/null || { echo "Here is no systemd to install a service into." >&2; exit 2; }
case $1 in
install)
  if dpkg -s antiphon 2>/dev/null | grep -q '^Status: .* installed$'; then
    echo "The package antiphon is installed, and would be in the way: sudo apt remove antiphon" >&2
    exit 2
  fi
  wheels
  place
  begin
  ;;
uninstall) end ;;
esac
