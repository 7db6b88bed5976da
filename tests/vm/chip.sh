# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright the isrloop authors
# shellcheck shell=bash
#
# Chips of gpio-sim for the scenarios of the kernel ring: sourced by them.
#
# A chip has a short name of its own, which is its folder in configfs and its
# label; its lines have offsets from 0 on.

gpio_sim=/sys/kernel/config/gpio-sim

# chip_new CHIP LINE...: a chip with these lines; "-" leaves one unnamed.
chip_new()
{
	local chip=$1 bank=$gpio_sim/$1/bank offset=0 line

	mkdir "$gpio_sim/$chip" "$bank"
	echo "$chip" >"$bank/label"
	shift
	echo $# >"$bank/num_lines"
	for line; do
		if [[ $line != - ]]; then
			mkdir "$bank/line$offset"
			echo "$line" >"$bank/line$offset/name"
		fi
		offset=$((offset + 1))
	done
	chip_plug "$chip"
}

# chip_plug CHIP, chip_unplug CHIP: as if it were pulled out and put in again.
chip_plug()
{
	echo 1 >"$gpio_sim/$1/live"
}

chip_unplug()
{
	echo 0 >"$gpio_sim/$1/live"
}

chip_free()
{
	chip_unplug "$1"
	rmdir "$gpio_sim/$1/bank"/line* 2>/dev/null || true
	rmdir "$gpio_sim/$1/bank" "$gpio_sim/$1"
}

# chip_device CHIP: gpiochipN.
chip_device()
{
	cat "$gpio_sim/$1/bank/chip_name"
}

# chip_pull CHIP LINE: the path of the pull attribute, of a name or offset.
chip_pull()
{
	local offset=$2 name

	for name in "$gpio_sim/$1/bank"/line*/name; do
		[[ -e $name && $(<"$name") = "$2" ]] || continue
		name=${name%/name}
		offset=${name##*/line}
	done
	printf '/sys/devices/platform/%s/%s/sim_gpio%s/pull\n' \
		"$(<"$gpio_sim/$1/dev_name")" "$(chip_device "$1")" "$offset"
}

# chip_set CHIP LINE 0|1
chip_set()
{
	pull_set "$(chip_pull "$1" "$2")" "$3"
}

# pull_set PATH 0|1: with what chip_pull said once, for edges close together.
pull_set()
{
	if [[ $2 = 0 ]]; then echo pull-down; else echo pull-up; fi >"$1"
}

# chip_consumer CHIP LINE: who holds the line; empty if nobody does.
chip_consumer()
{
	gpioinfo -c "$(chip_device "$1")" "$2" |
		sed -n 's/.*consumer="\([^"]*\)".*/\1/p'
}
