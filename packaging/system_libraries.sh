#!/bin/sh
# Installs the system libraries that Qt's windows need; for tests also Xvfb (a display), xdotool
# (mouse and keys) and melt (renders cuts). As root on Debian and Ubuntu it installs what is missing;
# otherwise it lists it. Exits with 0 if everything is installed, otherwise with 1.
set -eu

WANTED="libEGL.so.1:libegl1 libGL.so.1:libgl1 libglib-2.0.so.0:libglib2.0-0
libdbus-1.so.3:libdbus-1-3 libfontconfig.so.1:libfontconfig1
libxkbcommon-x11.so.0:libxkbcommon-x11-0 libxcb-cursor.so.0:libxcb-cursor0
libxcb-icccm.so.4:libxcb-icccm4 libxcb-image.so.0:libxcb-image0
libxcb-keysyms.so.1:libxcb-keysyms1 libxcb-randr.so.0:libxcb-randr0
libxcb-render-util.so.0:libxcb-render-util0 libxcb-shape.so.0:libxcb-shape0
libxcb-xinerama.so.0:libxcb-xinerama0 libxcb-xkb.so.1:libxcb-xkb1"

[ "$(uname -s)" = Linux ] || exit 0

missing() {
    known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p)
    for pair in $WANTED; do
        case $known in *"${pair%%:*} "*) ;; *) echo "${pair#*:}" ;; esac
    done
    command -v Xvfb >/dev/null 2>&1 || echo xvfb
    command -v xdotool >/dev/null 2>&1 || echo xdotool
    command -v melt >/dev/null 2>&1 || echo melt
    [ -n "$(find /usr/share/fonts -name '*.[to]tf' -print -quit 2>/dev/null)" ] || echo fonts-dejavu-core
}

needed=$(missing | tr '\n' ' ')
[ -n "$needed" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "missing for Qt and tests; the packages on Debian: $needed"
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "missing for Qt and tests: sudo apt-get install $needed"
    exit 1
fi
echo "Installing for Qt and tests: $needed"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq && apt-get install -y -qq --no-install-recommends $needed >/dev/null
