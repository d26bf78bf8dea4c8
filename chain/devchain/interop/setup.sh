#!/usr/bin/env bash
# Installs the clients that the tests of this folder drive, at the versions that
# requirements.txt and package.json pin; with --all also those of
# requirements11.txt. What is there already at these versions is left alone.
#
# Usage: setup.sh [--all] [FOLDER]   (default: finest/interop in the user's cache folder)
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
packages() {
	if cmp -s "$here/$1" "$folder/$2/$1"; then
		return
	fi
	"$python" -m venv "$folder/$2"
	"$folder/$2/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/$1"
	cp "$here/$1" "$folder/$2/$1"
}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
	echo "setup.sh: no Python 3.10 or newer; the Python SDK is left out" >&2
else
	packages requirements.txt venv
	[ -z "$all" ] || packages requirements11.txt venv11
fi

if ! command -v npm >/dev/null; then
	echo "setup.sh: no npm; @polkadot/api is left out" >&2
elif [ ! -d "$folder/node_modules/@polkadot/api" ] || ! cmp -s "$here/package.json" "$folder/package.json"; then
	cp "$here/package.json" "$folder/package.json"
	npm install --prefix "$folder" --no-audit --no-fund --silent
fi
echo "setup.sh: installed in $folder"
