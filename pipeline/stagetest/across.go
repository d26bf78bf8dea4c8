package stagetest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
)

// Across runs the contract of pipeline.Across, beyond that of a stage, with
// documents that have up to keysPerDocument keys.
func Across(t *testing.T, step pipeline.Across, keysPerDocument int) {
	for name, d := range documents() {
		t.Run(name, func(t *testing.T) {
			same := d
			step.Process(&d)
			step.Process(&same)
			keys := step.Keys(&d)
			if again := step.Keys(&same); !slices.Equal(keys, again) {
				t.Errorf("keys %x, then %x", keys, again)
			}
		})
	}
	t.Run("comparison", func(t *testing.T) { comparison(t, step, keysPerDocument) })
	t.Run("cancelled", func(t *testing.T) {
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(cause)
		c := step.Compare(keysort.Options{})
		defer func() { _ = c.Close() }()
		for range 2 {
			if err := c.Add([]uint64{1}); err != nil {
				t.Fatal(err)
			}
		}
		var last error
		for _, err := range c.Repeats(ctx) {
			last = err
		}
		if !errors.Is(last, cause) {
			t.Errorf("error %v, want %v", last, cause)
		}
	})
}

// comparison checks that repeats rise and stand behind what they repeat, that a
// document without keys or with keys of its own repeats none, and that no budget
// changes anything.
func comparison(t *testing.T, step pipeline.Across, keysPerDocument int) {
	dir := t.TempDir()
	_, edits := step.(pipeline.Editor)
	rapid.Check(t, func(t *rapid.T) {
		documents := rapid.SliceOfN(rapid.SliceOfN(rapid.Uint64Range(0, 40), 0, keysPerDocument), 0, 30).Draw(t, "documents")
		var want []pipeline.Repeat
		for _, o := range []keysort.Options{{}, {Dir: dir, Budget: rapid.Int64Range(1, 2000).Draw(t, "budget")}} {
			got := repeats(t, step.Compare(o), documents)
			if o.Dir == "" {
				want = got
			} else if !reflect.DeepEqual(got, want) {
				t.Fatalf("with %+v: %+v, want %+v", o, got, want)
			}
		}
		seen := make(map[uint64]bool)
		for document, keys := range documents {
			if len(want) > 0 && int(want[0].Document) == document {
				r := want[0]
				want = want[1:]
				if len(keys) == 0 || r.Keeper > r.Document || r.Keeper == r.Document && !edits || edits != (len(r.Places) > 0) {
					t.Fatalf("%+v of %v", r, documents)
				}
			} else if len(keys) > 0 && seen[keys[0]] && keysPerDocument == 1 {
				t.Fatalf("document %d of %v is no repeat", document, documents)
			}
			for _, k := range keys {
				seen[k] = true
			}
		}
		if len(want) > 0 {
			t.Fatalf("repeats %+v out of order in %v", want, documents)
		}
	})
}

func repeats(t *rapid.T, c pipeline.Comparison, documents [][]uint64) (all []pipeline.Repeat) {
	for _, keys := range documents {
		if err := c.Add(keys); err != nil {
			t.Fatal(err)
		}
	}
	for r, err := range c.Repeats(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		r.Places = slices.Clone(r.Places)
		all = append(all, r)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}
