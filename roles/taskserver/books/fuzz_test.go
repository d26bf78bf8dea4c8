package books_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"finest/internal/canon"
	"finest/roles/taskserver/books"
)

func sum(text string) string { return canon.Sum([]byte(text)) }

// FuzzApply tells stories of any entries, each put into the chain as a server
// would. What is refused changes nothing, and no story loses or doubles a task.
func FuzzApply(f *testing.F) {
	log := played(f, 150)
	for _, n := range []int{0, 3, 20, min(60, len(log))} {
		raw, err := json.Marshal(log[:n])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var log []books.Entry
		if json.Unmarshal(raw, &log) != nil {
			return
		}
		b := books.New()
		for _, told := range log {
			_ = b.Apply(told) // as it is: nearly always a broken chain
			before := fmt.Sprint(b.Head().Seq, b.Counts())
			e, err := books.Next(b.Head(), told, told.Detail)
			if err != nil {
				continue
			}
			if err := b.Apply(e); err != nil {
				if !errors.Is(err, books.ErrIllegal) {
					t.Fatalf("an entry in its place: %v", err)
				}
				if now := fmt.Sprint(b.Head().Seq, b.Counts()); now != before {
					t.Fatalf("refused (%v), it changed %s to %s", err, before, now)
				}
			}
		}
		imported, counted := b.Imported(), int64(0)
		for _, c := range b.Counts() {
			if c.Tasks < 0 {
				t.Fatalf("counts are %v", b.Counts())
			}
			counted += c.Tasks
		}
		if counted != imported {
			t.Fatalf("%d tasks are in some state, %d were imported", counted, imported)
		}
	})
}
