#!/bin/busybox sh
# The first program of the machine under QEMU: find the disk, and hand over to the system on it.
/bin/busybox mount -t devtmpfs none /dev
for module in /modules/*; do /bin/busybox insmod "$module"; done
tries=0
until [ -b /dev/vda ] || [ $tries -gt 100 ]; do /bin/busybox sleep 0.1; tries=$((tries + 1)); done
/bin/busybox mount -t ext4 -o rw,noatime /dev/vda /root
/bin/busybox umount /dev
exec /bin/busybox switch_root /root /sbin/init
