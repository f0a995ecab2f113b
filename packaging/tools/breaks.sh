#!/usr/bin/env bash
# Compares the contract with its earlier selves and fails on a break that proto/breaks.txt does not
# list: the working tree with the last commit, then every commit that changed the contract with the one
# before it. Commits before the list began are not asked. Needs Go and git. A shallow clone is deepened
# where its origin answers, and otherwise compared as far as it goes.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
list=proto/breaks.txt
depth=20 # how many changes of the contract are looked at; each takes a second
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$root"

if [ "$(git rev-parse --is-shallow-repository)" = true ] && ! timeout 60 git fetch --quiet --deepen=50 2>/dev/null; then
	echo "this clone is shallow and its origin does not answer; the contract is compared as far as history goes here"
fi

buf=$(cd packaging/tools && CGO_ENABLED=0 go tool -n buf)

# contract COMMIT prints the folder that holds the contract as it was then.
contract() {
	local dir=$scratch/$1
	if [ ! -d "$dir" ]; then
		mkdir -p "$dir"
		git archive "$1" proto | tar -x -C "$dir"
	fi
	printf '%s\n' "$dir/proto"
}

# compare NEW OLD NAME adds to $scratch/unlisted what broke between the two folders. Places in the file are
# left out: they move with every edit.
compare() {
	local status=0
	(cd "$1" && "$buf" breaking --against "$2") >"$scratch/found" || status=$?
	# 100 is buf's word for "something broke"; anything else is a comparison that could not be made.
	[ "$status" = 0 ] || [ "$status" = 100 ] || exit 1
	sed -E 's/^([^:]+):[0-9]+:[0-9]+:/\1: /' "$scratch/found" | sort -u >"$scratch/broken"
	grep -vxFf "$list" "$scratch/broken" | sed "s/^/$3: /" >>"$scratch/unlisted" || true
}

: >"$scratch/unlisted"
compare "$root/proto" "$(contract HEAD)" "working tree"
compared=1
for commit in $(git rev-list --first-parent --max-count="$depth" HEAD -- 'proto/*.proto' proto/buf.yaml); do
	# No parent: the first commit, or where a shallow clone ends.
	git cat-file -e "$commit^:$list" 2>/dev/null || continue
	compare "$(contract "$commit")" "$(contract "$commit^")" "$(git rev-parse --short "$commit")"
	compared=$((compared + 1))
done

if [ -s "$scratch/unlisted" ]; then
	cat "$scratch/unlisted" >&2
	echo "The contract breaks. If it must, list what is printed above after the first colon in $list, with the reason." >&2
	exit 1
fi
echo "the contract was compared with $compared earlier states; $list lists every break"
