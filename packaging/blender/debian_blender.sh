#!/bin/sh
# A real Blender with its window, from Debian 13 in its own folder, for other systems.
#
#   sh packaging/blender/debian_blender.sh                   creates the folder, once: 1.4 GB
#   sh packaging/blender/debian_blender.sh in FOLDER COMMAND runs a command in it, with FOLDER
#                                                            at the same path as outside
#
# Requires root, for chroot. The network is shared, so that it reaches a gateway outside.
set -eu

REPO=$(cd "$(dirname "$0")/../.." && pwd)
ROOT=$REPO/.cache/blender/debian13
PACKAGES="blender xvfb openbox xdotool imagemagick fonts-dejavu-core ca-certificates
libgl1-mesa-dri libegl1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
libxcb-render-util0 libxcb-xkb1 libxkbcommon-x11-0"

if [ "$(id -u)" -ne 0 ]; then
    echo "Blender in its own folder requires root: sudo sh $0 $*" >&2
    exit 1
fi

make_folder() {
    [ ! -e "$ROOT/.ready" ] || return 0
    command -v mmdebstrap >/dev/null 2>&1 || {
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends mmdebstrap debian-archive-keyring >/dev/null
    }
    rm -rf "$ROOT"
    mkdir -p "$(dirname "$ROOT")"
    echo "Unpacking Debian 13 with Blender into $ROOT"
    mmdebstrap --quiet --variant=minbase \
        --include="$(echo $PACKAGES | tr ' ' ,)" trixie "$ROOT"
    touch "$ROOT/.ready"
}

case ${1-make} in
make)
    make_folder
    ;;
in)
    shift
    # These mounts belong to this process only, and end with it.
    exec unshare --mount sh -euc '
        root=$1 folder=$2
        shift 2
        mkdir -p "$root$folder"
        mount --bind /proc "$root/proc"
        mount --bind /dev "$root/dev"
        mount --bind "$folder" "$root$folder"
        exec chroot "$root" "$@"
    ' in "$ROOT" "$@"
    ;;
esac
