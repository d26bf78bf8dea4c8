// Package interop drives a devchain with clients that others wrote, so that the
// devchain is not shaped after our own: the Python SDK (sdk10.py, sdk11.py) and
// @polkadot/api (polkadot.mjs). setup.sh installs them; what is not installed is
// skipped, and the test says so.
package interop
