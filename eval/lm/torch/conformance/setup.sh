#!/usr/bin/env bash
# Makes a virtual environment with PyTorch at the version that requirements.txt
# pins, unless it is there already, and prints the path of its Python.
#
# Usage: setup.sh [FOLDER]   (default: finest/torch in the user's cache folder)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/finest/torch}
python=${PYTHON:-python3}

# The copy of the file in it says that it is whole.
if ! cmp -s "$here/requirements.txt" "$folder/requirements.txt"; then
	echo "setup.sh: installing PyTorch in $folder" >&2
	rm -rf "${folder:?}"
	"$python" -m venv "$folder"
	"$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" >&2
	cp "$here/requirements.txt" "$folder/requirements.txt"
fi
echo "$folder/bin/python"
