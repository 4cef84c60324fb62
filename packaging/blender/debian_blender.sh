#!/bin/sh
# A real Blender with its window, where none can be installed: Debian 13's, in a folder of its own.
#
#   sh packaging/blender/debian_blender.sh                   makes the folder, once: 1.4 GB
#   sh packaging/blender/debian_blender.sh in FOLDER WORDS   runs a command in there, with FOLDER
#                                                            at the same path as out here
#
# Needs root, for chroot. The network is shared, so that a gateway out here is reached.
set -eu

REPO=$(cd "$(dirname "$0")/../.." && pwd)
ROOT=$REPO/.cache/blender/debian13
PACKAGES="blender xvfb openbox xdotool imagemagick fonts-dejavu-core ca-certificates
libgl1-mesa-dri libegl1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
libxcb-render-util0 libxcb-xkb1 libxkbcommon-x11-0"

if [ "$(id -u)" -ne 0 ]; then
    echo "a Blender in a folder of its own needs root: sudo sh $0 $*" >&2
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
    # Mounts of this process only: they are gone when it ends, however it ends.
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
