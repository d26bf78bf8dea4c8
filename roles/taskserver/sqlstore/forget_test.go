package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"finest/roles/taskserver/engine"
)

// TestVeryManyUUIDs are forgotten in parts, all of them in the end, and none
// that may come again.
func TestVeryManyUUIDs(t *testing.T) {
	path := filepath.Join(memoryDir(t), fileName)
	s := closing(t, open(t, path))
	start := time.UnixMilli(1_700_000_000_000)
	const many, kept = 2600, 10
	if err := s.Change(t.Context(), func(tx engine.Tx) error {
		for i := range many + kept {
			until := start.Add(time.Duration(i/many) * time.Hour)
			if err := tx.UseUUID("signer", fmt.Sprint(i), until); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Change(t.Context(), func(tx engine.Tx) error { return tx.ForgetUUIDs(start.Add(time.Minute)) }); err != nil {
		t.Fatal(err)
	}
	if left := count(t, path, "uuids"); left <= kept || left >= many {
		t.Errorf("one change left %d of %d", left, many+kept)
	}
	for range 20 {
		if err := s.Change(t.Context(), put("a", "b")); err != nil {
			t.Fatal(err)
		}
	}
	if left := count(t, path, "uuids"); left != kept {
		t.Errorf("the changes after it left %d, want %d", left, kept)
	}
}
