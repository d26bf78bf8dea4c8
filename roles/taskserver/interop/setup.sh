#!/usr/bin/env bash
# Installs the generator of clients that the test of this folder drives, and what
# its clients need, at the versions that requirements.txt pins. What is there
# already at these versions is left alone; what cannot be installed is named.
#
# Usage: setup.sh [FOLDER]   (default: $FINEST_INTEROP, else finest/interop in the
# user's cache folder; all is in its folder taskserver)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${FINEST_INTEROP:-${XDG_CACHE_HOME:-$HOME/.cache}/finest/interop}}/taskserver
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

left_out() { echo "setup.sh: openapi-python-client is left out: $1" >&2; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
	left_out "no Python 3.11 or newer"
else
	packages || left_out "it could not be installed"
fi
echo "setup.sh: the generator of task server clients is in $folder"
