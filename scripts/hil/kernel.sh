#!/usr/bin/env bash
# kernel.sh DIR: Debian's 6.1 kernel for amd64 in DIR/vmlinuz, the modules that make hil loads in
# DIR/modules, and DIR/modules/order with their order and parameters. Two of them are built here:
# gpio-sim, which Debian's configuration leaves out, and our spi-tap. Needs apt, no root; a second
# run with the same sources does nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" && cd "$1"
recipe=$(cat "$here/kernel.sh" "$here/modules/spi-tap.c" | sha256sum)
[ "$(cat made 2>/dev/null)" != "$recipe" ] || exit 0
[ "$(dpkg --print-architecture)" = amd64 ] || { echo "kernel.sh: make hil needs an amd64 machine" >&2; exit 1; }
rm -rf made vmlinuz modules tmp && mkdir -p modules tmp/build && cd tmp

# The packages are unpacked here and not installed: the machine stays as it is.
fetch() {
	version=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: linux-image-\(6\.1\..*-amd64\)$/\1/p' | head -1)
	[ -n "$version" ] || { echo "kernel.sh: apt knows no kernel 6.1 (Debian 12)" >&2; return 1; }
	apt-get -qq -o APT::Sandbox::User=root -o Acquire::Retries=3 download "linux-image-$version" \
		"linux-headers-$version" "linux-headers-${version%-amd64}-common" linux-kbuild-6.1 linux-source-6.1
}
fetch || { $([ "$(id -u)" = 0 ] || echo sudo) apt-get -q update && fetch; }
for package in linux-image-*.deb linux-headers-*.deb linux-kbuild-*.deb; do dpkg-deb -x "$package" .; done
dpkg-deb --fsys-tarfile linux-source-*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz | tar -xJ -C build \
	--transform 's,.*/,,' linux-source-6.1/{drivers/gpio/gpio-sim.c,drivers/gpio/gpiolib.h,kernel/irq/irq_sim.c}

headers=$PWD/usr/src/linux-headers-$version
sed -i "s,/usr/src,$PWD/usr/src," "$headers/Makefile"
cd build
mv gpio-sim.c sim.c && cp "$here/modules/spi-tap.c" .
# Modules may not look up an interrupt's descriptor; this call does it for them.
sed -i 's/handle_simple_irq(irq_to_desc(\(.*\)));/generic_handle_irq_safe(\1);/' irq_sim.c
printf 'obj-m := gpio-sim.o spi-tap.o\ngpio-sim-y := sim.o irq_sim.o\n' > Kbuild
make -s -C "$headers" M="$PWD" modules 2>&1 | { grep -v 'BTF' || true; } >&2
strip --strip-debug gpio-sim.ko spi-tap.ko
cd ..

PATH=$PATH:/usr/sbin:/sbin
depmod -b "$PWD" "$version"
for module in dummy_hcd usb_f_printer usb_f_acm usblp cdc-acm spidev i6300esb snd-hda-codec-generic snd-hda-intel; do
	modprobe -S "$version" -d "$PWD" --show-depends "$module"
done | awk '/^insmod/ && !seen[$2]++ {print $2}' > needed
xargs cp -t ../modules < needed
cp build/gpio-sim.ko build/spi-tap.ko ../modules
{ sed 's,.*/,,; s,^dummy_hcd.ko$,& num=2,' needed; printf 'gpio-sim.ko\nspi-tap.ko\n'; } > ../modules/order
cp "boot/vmlinuz-$version" ../vmlinuz
cd .. && rm -rf tmp && echo "$recipe" > made
