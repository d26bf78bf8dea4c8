package sqlstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/storetest"
)

// TestTornLog cuts the write-ahead log where a machine that lost its power may
// have cut it, and flips bits behind what was synced: what opens again is one
// of the states there were, and the books of it hold. What was synced is there.
func TestTornLog(t *testing.T) {
	dir := memoryDir(t)
	path := filepath.Join(dir, "tasks.sqlite")
	s := open(t, path)
	e := newEngine(t, s)
	states := []string{dump(t, s)}
	synced := []int64{0} // length of the log at each state
	for i, o := range newScript(t).operations {
		if _, err := o.do(t.Context(), e, uuidOf(i, 0)); err != nil {
			t.Fatalf("%s: %v", o.name, err)
		}
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		states, synced = append(states, dump(t, s)), append(synced, info.Size())
	}
	base, log := read(t, path), read(t, path+"-wal")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	const cuts = 97
	for i := range cuts {
		length := int64(len(log)) * int64(i) / (cuts - 1)
		torn := bytes.Clone(log[:length])
		if i%2 == 1 { // the rest of a page that was being written
			torn = append(torn, bytes.Repeat([]byte{0xa5}, 3000)...)
		}
		least := 0
		for n, size := range synced {
			if size <= length {
				least = n
			}
		}
		if err := oneOf(t, filepath.Join(dir, fmt.Sprint(i)), base, torn, states[least:]); err != nil {
			t.Errorf("a log of %d bytes, %d operations of which were synced: %v", length, least, err)
		}
	}
}

// oneOf opens a database and its log and fails unless it shows one of the
// states.
func oneOf(t testing.TB, dir string, base, log []byte, states []string) (err error) {
	t.Helper()
	path := filepath.Join(dir, "tasks.sqlite")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(path, base, 0o600), os.WriteFile(path+"-wal", log, 0o600)); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	defer func() { err = errors.Join(err, s.Close()) }()
	proven(t, s)
	var text string
	err = s.View(t.Context(), func(v engine.View) (err error) {
		text, err = storetest.Dump(v)
		return err
	})
	if err != nil {
		return err
	}
	for _, state := range states {
		if text == state {
			return nil
		}
	}
	return fmt.Errorf("it shows\n%s", text)
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
