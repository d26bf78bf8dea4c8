package audit_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/audit"
	"finest/internal/contract"
	"finest/pipeline"
)

func (c *claim) locate(t testing.TB, cuts ...audit.Cut) *audit.Parts {
	t.Helper()
	parts, err := audit.Locate(context.Background(), c.s, c.files, cuts)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// grid cuts all of a world's files into pieces of size bytes.
func grid(w *world, size int64) []audit.Cut {
	var cuts []audit.Cut
	for i, path := range w.paths {
		for from := int64(0); from < int64(len(w.data[path])); from += size {
			cuts = append(cuts, audit.Cut{File: int32(i), From: from, To: from + size})
		}
	}
	return cuts
}

// Of whatever size they are, the parts of a task hold every page once, and what
// the recipe makes of their bytes is what the ledger and the shards say.
func TestPartsTileATask(t *testing.T) {
	for name, w := range map[string]*world{"clean": newWorld(t, 31, 2, 60, false), "rough": newWorld(t, 32, 2, 60, true)} {
		c := w.publish(w.ledger, w.rows)
		for _, size := range []int64{100, 997, 20_000, 8 << 20} {
			parts := c.locate(t, grid(w, size)...)
			var ledger []contract.LedgerRow
			var rows []contract.Row
			for i, p := range parts.List {
				before := len(rows)
				for row, err := range parts.Published(t.Context(), i) {
					if err != nil {
						t.Fatal(err)
					}
					rows = append(rows, row)
				}
				if int64(len(rows)-before) != p.Kept {
					t.Errorf("%s: part %+v publishes %d documents", name, p, len(rows)-before)
				}
				stretch, err := parts.Fetch(t.Context(), i, w)
				if err != nil {
					t.Fatal(err)
				}
				err = stretch.Scan(t.Context(), w.runner, func(r pipeline.Result) error {
					if page := r.Ledger.IsPage(); page && (r.Ledger.Offset < p.From || r.Ledger.Offset >= p.To) {
						t.Errorf("%s: the page at %d is of part %+v", name, r.Ledger.Offset, p)
					}
					ledger = append(ledger, r.Ledger)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if !reflect.DeepEqual(rows, w.rows) {
				t.Errorf("%s: parts of %d bytes publish %d documents, not the task's %d in order", name, size, len(rows), len(w.rows))
			}
			same := func(a, b contract.LedgerRow) bool {
				return a.File == b.File && a.Offset == b.Offset && a.Length == b.Length && slices.Equal(a.BandKeys, b.BandKeys)
			}
			if !slices.EqualFunc(ledger, w.ledger, same) {
				t.Errorf("%s: parts of %d bytes give %d ledger rows, not the task's %d in order", name, size, len(ledger), len(w.ledger))
			}
			if len(parts.Elsewhere) != 0 {
				t.Errorf("%s: %d duplicates of pages outside of the whole task", name, len(parts.Elsewhere))
			}
		}
	}
}

func TestPartsKnowDuplicatesOfPagesElsewhere(t *testing.T) {
	w := newWorld(t, 33, 2, 60, false)
	c := w.publish(w.ledger, w.rows)
	all := grid(w, 2_000)
	found := 0
	for start := range 3 {
		var cuts []audit.Cut
		for i := start; i < len(all); i += 3 {
			cuts = append(cuts, all[i])
		}
		inside := func(file int32, offset int64) bool {
			return slices.ContainsFunc(cuts, func(c audit.Cut) bool { return c.File == file && c.From <= offset && offset < c.To })
		}
		want := make(map[audit.Place]bool)
		for _, l := range w.ledger {
			if l.Outcome == contract.OutcomeMinHash && inside(l.File, l.Offset) && !inside(l.KeptFile, l.KeptOffset) {
				want[audit.Place{File: l.File, Offset: l.Offset}] = true
			}
		}
		found += len(want)
		if got := c.locate(t, cuts...).Elsewhere; !reflect.DeepEqual(got, want) {
			t.Errorf("every third part from %d on: %d such pages, want %d", start, len(got), len(want))
		}
	}
	if found == 0 {
		t.Error("no page repeats one of another part")
	}
}

// A part is audited as a slice is: every changed row in it is found.
func TestPartsAreAudited(t *testing.T) {
	w := newWorld(t, 34, 2, 40, true)
	rows := w.rowsCopy()
	edited := len(rows) / 2
	rows[edited].Text += " and more"
	c := w.publish(w.ledger, rows)
	parts := c.locate(t, grid(w, 3_000)...)
	for i, p := range parts.List {
		check, err := parts.Audit(t.Context(), i, w.source())
		if err != nil {
			t.Fatal(err)
		}
		holds := p.First <= int64(edited) && int64(edited) < p.First+p.Kept
		if holds && (check.Outcome != eval.Rejected || !strings.Contains(check.Reason, "text from byte")) {
			t.Errorf("part %+v: %s %s, want it rejected for its text", p, check.Outcome, check.Reason)
		}
		if check.Outcome == eval.Undecided || holds && len(check.Evidence.Proof) == 0 {
			t.Errorf("part %+v: %+v", p, check)
		}
	}
}

func TestPartsOutsideTheTask(t *testing.T) {
	w := newWorld(t, 35, 1, 5, false)
	c := w.publish(w.ledger, w.rows)
	for _, cut := range []audit.Cut{{File: 1, To: 5}, {File: -1, To: 5}, {From: -1, To: 5}, {From: 5, To: 5}} {
		if _, err := audit.Locate(t.Context(), c.s, c.files, []audit.Cut{cut}); err == nil {
			t.Errorf("%+v is located", cut)
		}
	}
	// A cut behind the end of its file holds nothing, and reads nothing.
	parts := c.locate(t, audit.Cut{From: 1 << 40, To: 1 << 41})
	stretch, err := parts.Fetch(t.Context(), 0, nil)
	if err == nil {
		err = stretch.Scan(t.Context(), w.runner, func(r pipeline.Result) error {
			t.Errorf("a row at %d", r.Ledger.Offset)
			return nil
		})
	}
	if err != nil || parts.List[0].Kept != 0 {
		t.Errorf("parts %+v, error %v", parts.List, err)
	}
}

// A part is whole if one request reads it: what damage makes longer is not compared.
func TestWholeParts(t *testing.T) {
	parts := audit.Parts{List: []audit.Part{
		{Begin: 7, End: 7}, {Begin: 7, End: 7 + audit.DefaultMaxFetch}, {Begin: 7, End: 8 + audit.DefaultMaxFetch},
	}}
	for i, want := range []bool{true, true, false} {
		if got := parts.Whole(i); got != want {
			t.Errorf("part %d is whole: %t", i, got)
		}
	}
}
