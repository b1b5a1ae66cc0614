#!/usr/bin/env bash
# Installs what `make build` made, or removes it. PREFIX (default /usr/local) and DESTDIR as usual.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=${PREFIX:-/usr/local}
root=${DESTDIR:-}
lib=$root$prefix/lib/kernelbypass
units=$root/etc/systemd/system
config=$root/etc/kernelbypass

fail() { echo "install: $*" >&2; exit 1; }

install_all() {
    [[ -x artifacts/publish/kernelbypassd ]] || fail "nothing built: run make build"
    mkdir -p "$lib" "$root$prefix/bin" "$units" "$config"
    cp -r artifacts/publish/. "$lib/"
    for program in kernelbypassd kernelbypass-dataplane kbctl; do ln -sfn "$prefix/lib/kernelbypass/$program" "$root$prefix/bin/$program"; done
    for unit in deploy/systemd/*.service; do
        sed "s|/usr/local/bin|$prefix/bin|g" "$unit" >"$units/$(basename "$unit")"
    done
    [[ -e $config/kernelbypass.yaml ]] || cp config/bare-metal-vfio.yaml "$config/kernelbypass.yaml"
    if [[ -z $root ]]; then
        getent passwd kernelbypass >/dev/null || useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin kernelbypass
        systemctl daemon-reload 2>/dev/null || true
    fi
    echo "installed in $lib; edit $config/kernelbypass.yaml, then: systemctl enable --now kernelbypassd"
}

uninstall_all() {
    for program in kernelbypassd kernelbypass-dataplane kbctl; do rm -f "$root$prefix/bin/$program"; done
    rm -rf "$lib"
    rm -f "$units/kernelbypassd.service" "$units/kernelbypass-dataplane.service"
    echo "removed; $config and /var/lib/kernelbypass are left"
}

case "${1:-}" in
    install) install_all ;;
    uninstall) uninstall_all ;;
    *) fail "install or uninstall" ;;
esac
