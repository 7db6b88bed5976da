# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright the isrloop authors
# shellcheck shell=sh disable=SC2154 # src and tmp
#
# Ways to break the code, as lists of edits: tests/mutants.list says how
# they are written. Sourced; $src is the source folder, $tmp one to work in.

# split_list LIST: one folder an edit in $tmp/mutants, their names in
# $tmp/names.
split_list() {
	mkdir "$tmp/mutants" || return 1
	awk -v tmp="$tmp" '
	/^mutant / {
		name = $2
		dir = tmp "/mutants/" name
		if (system("mkdir " dir) != 0)
			exit 1
		print name >(tmp "/names")
		next
	}
	/^<<<<$/ { text = "old"; next }
	/^====$/ && text == "old" { text = "new"; printf "" >(dir "/new"); next }
	/^>>>>$/ { text = ""; close(dir "/old"); close(dir "/new"); next }
	text { print >(dir "/" text); next }
	/^(file|killer|what|reported|says) / {
		key = $1
		sub(/^[a-z]+ +/, "")
		print >(dir "/" key)
	}' "$1"
}

# source_of DIR: from the source folder, where the edit's file is in lib/
# unless it says otherwise.
source_of() {
	sed '/\//!s,^,lib/,' "$1/file"
}

# mutate DIR: the source with the one edit; the old text is there once.
mutate() {
	awk -v old_file="$1/old" -v new_file="$1/new" '
	function slurp(file,    line, text) {
		while ((getline line <file) > 0)
			text = text line "\n"
		return text
	}
	{ text = text $0 "\n" }
	END {
		old = slurp(old_file)
		at = index(text, old)
		rest = substr(text, at + length(old))
		if (old == "" || !at || index(rest, old))
			exit 1
		printf "%s%s%s", substr(text, 1, at - 1), slurp(new_file), rest
	}' "$src/$(source_of "$1")"
}
