package durable_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"finest/internal/durable"
)

var sample = [][]byte{[]byte(`{"step":"leased"}`), {}, []byte("a b\x00c\r"), bytes.Repeat([]byte("long "), 200), []byte("last")}

// journalOf writes entries one by one and returns the file and the offset at
// which each entry ends.
func journalOf(t testing.TB, entries [][]byte) (raw []byte, ends []int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, nil)
	for _, e := range entries {
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int(info.Size()))
	}
	closed(t, j)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw, ends
}

func open(t testing.TB, path string, want [][]byte) *durable.Journal {
	t.Helper()
	j, got, err := durable.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("entry %d is %q, want %q", i, got[i], want[i])
		}
	}
	return j
}

func closed(t testing.TB, j *durable.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestJournalKeepsEntries(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "folder", "journal")
	for n := range sample {
		j := open(t, path, sample[:n])
		if err := j.Append(sample[n]); err != nil {
			t.Fatal(err)
		}
		closed(t, j)
	}
	closed(t, open(t, path, sample))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the journal: %v, %v", info.Mode(), err)
	}
}

// TestJournalTornAtEveryByte: a crash while the journal grew leaves any prefix
// of it. The whole entries of the prefix are there, the torn one is gone, and
// what is appended next is found again.
func TestJournalTornAtEveryByte(t *testing.T) {
	t.Parallel()
	raw, ends := journalOf(t, sample)
	path := filepath.Join(t.TempDir(), "journal")
	for size := range len(raw) + 1 {
		whole := 0
		for whole < len(ends) && ends[whole] <= size {
			whole++
		}
		writeFile(t, path, raw[:size])
		j := open(t, path, sample[:whole])
		if err := j.Append([]byte("after the crash")); err != nil {
			t.Fatal(err)
		}
		closed(t, j)
		closed(t, open(t, path, append(sample[:whole:whole], []byte("after the crash"))))
	}
}

// TestJournalTornToZeros: a file system may have made the file longer before it
// wrote the bytes.
func TestJournalTornToZeros(t *testing.T) {
	t.Parallel()
	raw, ends := journalOf(t, sample)
	last := ends[len(ends)-2]
	path := filepath.Join(t.TempDir(), "journal")
	for size := last; size < len(raw); size++ {
		writeFile(t, path, append(bytes.Clone(raw[:size]), make([]byte, len(raw)-size)...))
		closed(t, open(t, path, sample[:len(sample)-1]))
	}
}

// TestJournalFlippedBits: a flipped bit before the last entry is an error, never
// a journal with other entries.
func TestJournalFlippedBits(t *testing.T) {
	t.Parallel()
	raw, ends := journalOf(t, sample)
	path := filepath.Join(t.TempDir(), "journal")
	last := ends[len(ends)-2]
	for i := range raw {
		if i == last-1 {
			continue // without this newline the last two entries are one torn line
		}
		bent := bytes.Clone(raw)
		bent[i] ^= 1 << (i % 8)
		writeFile(t, path, bent)
		j, got, err := durable.OpenJournal(path)
		if err == nil {
			closed(t, j)
		}
		switch {
		case i < last && !errors.Is(err, durable.ErrCorrupt):
			t.Fatalf("bit flipped at byte %d of %d: error %v, %d entries", i, len(raw), err, len(got))
		case i >= last && (err != nil || len(got) != len(sample)-1):
			t.Fatalf("bit flipped at byte %d of the last entry: error %v, %d entries", i, err, len(got))
		}
	}
}

func TestJournalRefusesNewlines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, nil)
	if err := j.Append([]byte("two\nlines")); err == nil {
		t.Error("accepted")
	}
	if err := j.Append([]byte("one line")); err != nil {
		t.Error(err)
	}
	closed(t, j)
	closed(t, open(t, path, [][]byte{[]byte("one line")}))
}

func TestJournalOfAnUnreadableFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, nil)
	if _, _, err := durable.OpenJournal(filepath.Join(file, "journal")); err == nil {
		t.Error("a journal below a file is opened")
	}
	if _, _, err := durable.OpenJournal(filepath.Dir(file)); err == nil {
		t.Error("a folder is opened as a journal")
	}
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
