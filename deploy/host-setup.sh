#!/usr/bin/env bash
# Prepares a bare-metal host: hugepages and NICs bound to VFIO; undo puts everything back as it was found.
#   host-setup.sh apply --hugepages COUNT [--page-size 2M|1G] [--nic PCI_ADDRESS]...
#   host-setup.sh status
#   host-setup.sh undo
set -euo pipefail

state=${KERNELBYPASS_SETUP_STATE:-/var/lib/kernelbypass/host-setup.state}

fail() { echo "host-setup: $*" >&2; exit 1; }
need_root() { [[ $EUID -eq 0 ]] || fail "must be run as root"; }

pages_file() { # page size -> sysfs file
    case "$1" in
        2M) echo /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages ;;
        1G) echo /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages ;;
        *) fail "--page-size $1: expected 2M or 1G" ;;
    esac
}

driver_of() { # PCI address -> driver name or nothing
    local link=/sys/bus/pci/devices/$1/driver
    if [[ -e $link ]]; then basename "$(readlink -f "$link")"; fi
}

bind() { # PCI address, driver
    local device=/sys/bus/pci/devices/$1
    if [[ -n $(driver_of "$1") ]]; then echo "$1" >"$device/driver/unbind"; fi
    echo "$2" >"$device/driver_override"
    echo "$1" >/sys/bus/pci/drivers_probe
    echo >"$device/driver_override"
    [[ $(driver_of "$1") == "$2" ]] || fail "$1 could not be bound to $2: see dmesg"
}

check_nic() {
    [[ $1 =~ ^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$ ]] || fail "--nic $1: expected a PCI address such as 0000:03:00.0"
    [[ -d /sys/bus/pci/devices/$1 ]] || fail "--nic $1: no such device: see lspci -D"
    local name
    for name in /sys/bus/pci/devices/"$1"/net/*; do
        [[ -e $name ]] || continue
        name=$(basename "$name")
        if ip route show default 2>/dev/null | grep -qw "dev $name"; then
            fail "--nic $1 is $name, which carries the default route: you would lose this host"
        fi
    done
}

apply() {
    need_root
    local count="" size=2M nics=()
    while [[ $# -gt 0 ]]; do
        case "$1" in
            --hugepages) count=${2:?} ; shift 2 ;;
            --page-size) size=${2:?} ; shift 2 ;;
            --nic) nics+=("${2:?}") ; shift 2 ;;
            *) fail "$1: unknown option" ;;
        esac
    done
    [[ ! -e $state ]] || fail "already applied ($state exists): undo first"
    [[ $count =~ ^[0-9]+$ ]] || fail "--hugepages COUNT is needed"
    local file
    file=$(pages_file "$size")
    [[ -w $file ]] || fail "this kernel has no $size pages"
    for nic in "${nics[@]}"; do check_nic "$nic"; done

    mkdir -p "$(dirname "$state")"
    {
        echo "pages $file $(<"$file")"
        mountpoint -q /dev/hugepages || echo "mount /dev/hugepages"
        for nic in "${nics[@]}"; do echo "nic $nic $(driver_of "$nic")"; done
    } >"$state"

    echo "$count" >"$file"
    local got
    got=$(<"$file")
    if [[ $got -lt $count ]]; then
        undo
        fail "only $got of $count pages of $size could be had: memory is too fragmented; reserve them at boot (hugepages=)"
    fi
    if ! mountpoint -q /dev/hugepages; then
        mkdir -p /dev/hugepages
        mount -t hugetlbfs none /dev/hugepages
    fi
    if [[ ${#nics[@]} -gt 0 ]]; then
        modprobe vfio-pci || fail "vfio-pci cannot be loaded"
        [[ -n $(ls -A /sys/kernel/iommu_groups 2>/dev/null) ]] || fail "no IOMMU: boot with intel_iommu=on or amd_iommu=on"
        for nic in "${nics[@]}"; do bind "$nic" vfio-pci; done
    fi
    echo "host-setup: $count pages of $size; ${#nics[@]} devices bound to vfio-pci; undo with: $0 undo"
}

status() {
    grep -E 'HugePages_(Total|Free)|Hugepagesize' /proc/meminfo
    if [[ -e $state ]]; then echo "applied; before:"; sed 's/^/  /' "$state"; else echo "not applied"; fi
}

undo() {
    need_root
    [[ -e $state ]] || { echo "host-setup: nothing to undo"; return 0; }
    local kind first second
    while read -r kind first second; do
        case "$kind" in
            pages) echo "$second" >"$first" ;;
            mount) if mountpoint -q "$first"; then umount "$first"; fi ;;
            nic)
                if [[ -n $second ]]; then bind "$first" "$second"
                elif [[ -n $(driver_of "$first") ]]; then echo "$first" >"/sys/bus/pci/devices/$first/driver/unbind"; fi ;;
        esac
    done <"$state"
    rm -f "$state"
    echo "host-setup: undone"
}

case "${1:-}" in
    apply) shift; apply "$@" ;;
    status) status ;;
    undo) undo ;;
    *) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 1 ;;
esac
