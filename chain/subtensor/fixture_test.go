package subtensor

import (
	"bufio"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/chain/metadata"
)

// fixtureFile is the path of a chain fixture.
func fixtureFile(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("FINEST_TESTDATA")
	if root == "" {
		t.Skip("FINEST_TESTDATA is not set")
	}
	return filepath.Join(root, "chain", name)
}

// fixture decodes the metadata of a real runtime.
func fixture(t testing.TB, name string) *metadata.Metadata {
	t.Helper()
	b, err := os.ReadFile(fixtureFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	m, err := metadata.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// golden reads the call bytes of the fixture by their labels.
func golden(t testing.TB) map[string][]byte {
	t.Helper()
	f, err := os.Open(fixtureFile(t, "golden-calls-spec424.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	calls := map[string][]byte{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if parts := strings.Split(s.Text(), "\t"); len(parts) == 3 && parts[0] == "call" {
			if calls[parts[1]], err = hex.DecodeString(strings.TrimPrefix(parts[2], "0x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	return calls
}
