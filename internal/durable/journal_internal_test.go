package durable

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestAppendAfterAFailedWrite: when a write failed and its torn entry cannot be
// cut off either, the journal stops, as an entry behind a torn one would make it
// unreadable.
func TestAppendAfterAFailedWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j, _, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append([]byte("first")); err != nil {
		t.Fatal(err)
	}
	// What a write leaves that failed half-way.
	if _, err := j.f.Write([]byte("0123")); err != nil {
		t.Fatal(err)
	}
	good := j.f
	if j.f, err = os.Open(path); err != nil { // not open for writing
		t.Fatal(err)
	}
	if err := j.Append([]byte("second")); err == nil {
		t.Fatal("a write to a file that is not open for writing succeeds")
	}
	_ = j.f.Close()
	j.f = good
	if err := j.Append([]byte("third")); err == nil {
		t.Fatal("the journal goes on after a torn entry it could not cut off")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, entries, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	if len(entries) != 1 || !bytes.Equal(entries[0], []byte("first")) {
		t.Errorf("entries are %q", entries)
	}
}

// FuzzParseJournal: what is accepted is the encoding of its entries, and only a
// last line may be left out of it.
func FuzzParseJournal(f *testing.F) {
	whole := append(append(encodeLine([]byte("first")), '\n'), append(encodeLine(nil), '\n')...)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append(bytes.ToUpper(whole), whole...))
	f.Add(append([]byte("\n"), whole...))
	f.Add(append(whole, "00000000"...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, good, err := parseJournal(raw)
		if err != nil {
			return
		}
		var back []byte
		for _, e := range entries {
			back = append(append(back, encodeLine(e)...), '\n')
		}
		if !bytes.Equal(back, raw[:good]) {
			t.Fatalf("entries encode to %q, not %q", back, raw[:good])
		}
		if end := bytes.IndexByte(raw[good:], '\n'); end >= 0 && good+end+1 < len(raw) {
			t.Fatalf("%q is left out", raw[good:])
		}
	})
}
