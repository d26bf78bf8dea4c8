package metadata_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"finest/chain/metadata"
)

// files of the fixture, by spec version.
var files = map[int]string{
	240: "metadata-spec240-v15.scale", 293: "metadata-spec293-v14.scale",
	393: "metadata-spec393-v16.scale", 424: "metadata-spec424-v16.scale",
}

// fixture returns a file of the chain's test data, and skips the test where there
// is none.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	dir := os.Getenv("FINEST_TESTDATA")
	if dir == "" {
		t.Skip("FINEST_TESTDATA is not set")
	}
	b, err := os.ReadFile(filepath.Join(dir, "chain", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// spec returns the metadata of a spec version of subtensor.
func spec(t testing.TB, version int) *metadata.Metadata {
	t.Helper()
	m, err := metadata.Decode(fixture(t, files[version]))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFilesRoundTrip(t *testing.T) {
	for version, name := range files {
		t.Run(name, func(t *testing.T) {
			m := spec(t, version)
			b, err := m.Encode(m.Version)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b, fixture(t, name)) {
				t.Error("encoded again the bytes differ")
			}
			again, err := metadata.Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(again, m) {
				t.Error("read again the metadata differs")
			}
		})
	}
}
