#!/usr/bin/env bash
# Installs the clients that the tests of this folder drive, at the versions that
# requirements.txt and package.json pin; with --all also those of
# requirements11.txt. What is there already at these versions is left alone, what
# cannot be installed is named and left out.
#
# Usage: setup.sh [--all] [FOLDER]   (default: $FINEST_INTEROP, else finest/interop
# in the user's cache folder)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
all=
if [ "${1:-}" = --all ]; then
	all=yes
	shift
fi
folder=${1:-${FINEST_INTEROP:-${XDG_CACHE_HOME:-$HOME/.cache}/finest/interop}}
mkdir -p "$folder"
python=${PYTHON:-python3}

# packages REQUIREMENTS VENV makes a virtual environment with what a file lists.
# The copy of the file in it says that it is whole.
packages() {
	cmp -s "$here/$1" "$folder/$2/$1" && return
	rm -rf "${folder:?}/$2"
	"$python" -m venv "$folder/$2" &&
		"$folder/$2/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/$1" &&
		cp "$here/$1" "$folder/$2/$1"
}

modules() {
	cmp -s "$here/package.json" "$folder/installed.json" && return
	cp "$here/package.json" "$folder/package.json" &&
		npm install --prefix "$folder" --no-audit --no-fund --silent &&
		cp "$here/package.json" "$folder/installed.json"
}

left_out() { echo "setup.sh: $1 is left out: $2" >&2; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
	left_out "the Python SDK" "no Python 3.10 or newer"
else
	packages requirements.txt venv || left_out "the Python SDK" "it could not be installed"
	[ -z "$all" ] || packages requirements11.txt venv11 || left_out "the Python SDK 11" "it could not be installed"
fi
if ! command -v npm >/dev/null; then
	left_out "@polkadot/api" "no npm"
else
	modules || left_out "@polkadot/api" "it could not be installed"
fi
echo "setup.sh: the clients are in $folder"
