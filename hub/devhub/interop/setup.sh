#!/usr/bin/env bash
# Installs the clients and readers that the tests of this folder drive, at the
# versions that requirements.txt and package.json pin. What is there already at
# these versions is left alone, what cannot be installed is named and left out.
#
# Usage: setup.sh [FOLDER]   (default: $FINEST_INTEROP, else finest/interop in the
# user's cache folder; all is in its folder hub)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${FINEST_INTEROP:-${XDG_CACHE_HOME:-$HOME/.cache}/finest/interop}}/hub
mkdir -p "$folder"
python=${PYTHON:-python3}

# packages makes a virtual environment. The copy of requirements.txt in it says
# that it is whole.
packages() {
	cmp -s "$here/requirements.txt" "$folder/venv/requirements.txt" && return
	rm -rf "${folder:?}/venv"
	"$python" -m venv "$folder/venv" &&
		"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" &&
		cp "$here/requirements.txt" "$folder/venv/requirements.txt"
}

modules() {
	cmp -s "$here/package.json" "$folder/installed.json" && return
	cp "$here/package.json" "$folder/package.json" &&
		npm install --prefix "$folder" --no-audit --no-fund --silent &&
		cp "$here/package.json" "$folder/installed.json"
}

left_out() { echo "setup.sh: $1 left out: $2" >&2; }

python_readers="huggingface_hub, datasets, pyarrow and DuckDB are"
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
	left_out "$python_readers" "no Python 3.11 or newer"
else
	packages || left_out "$python_readers" "they could not be installed"
fi
if ! command -v npm >/dev/null; then
	left_out "@huggingface/hub and hyparquet are" "no npm"
else
	modules || left_out "@huggingface/hub and hyparquet are" "they could not be installed"
fi
echo "setup.sh: the clients of the hub are in $folder"
