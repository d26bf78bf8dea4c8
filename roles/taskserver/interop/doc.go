// Package interop talks to a task server as somebody would who knows nothing but
// its OpenAPI document: the test has a Python client generated from it, and
// client.py leases, submits and judges tasks with that client and with somebody
// else's sr25519. Every answer is checked against the document, and the document
// against OpenAPI 3.1. setup.sh installs the generator; without it the test is
// skipped, and says so.
package interop
