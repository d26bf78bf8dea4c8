package audit_test

import (
	"bytes"
	"compress/gzip"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"finest/eval"
	"finest/eval/audit"
	"finest/internal/contract"
)

// wholeFile is a slice longer than every test file.
const wholeFile = 1 << 30

// wholeSeed returns a seed that draws the whole of the only file.
func wholeSeed(c *claim, parts ...any) eval.Seed {
	for i := 0; ; i++ {
		seed := seedOf(append(parts, i)...)
		if _, from, to := audit.DrawSlice(seed, c.s.Manifest.Inputs, wholeFile); from == 0 && to == c.s.Manifest.Inputs[0].Bytes {
			return seed
		}
	}
}

// mutation changes a ledger at row i; it may return it unchanged.
type mutation struct {
	name  string
	apply func(rng *rand.Rand, l []contract.LedgerRow, i int) []contract.LedgerRow
}

func field(change func(rng *rand.Rand, r *contract.LedgerRow)) func(*rand.Rand, []contract.LedgerRow, int) []contract.LedgerRow {
	return func(rng *rand.Rand, l []contract.LedgerRow, i int) []contract.LedgerRow {
		change(rng, &l[i])
		return l
	}
}

// become turns the row into one without a page.
func become(r *contract.LedgerRow, outcome, reason string) {
	*r = contract.LedgerRow{
		File: r.File, Offset: r.Offset, Length: r.Length, Outcome: outcome, Reason: reason,
		KeptFile: contract.NoKeeper, KeptOffset: contract.NoKeeper,
	}
}

func drop(r *contract.LedgerRow, outcome, reason string) {
	r.Outcome, r.Reason, r.BandKeys, r.KeptFile, r.KeptOffset = outcome, reason, nil, contract.NoKeeper, contract.NoKeeper
}

// swallow makes row i one span over itself and some rows after it.
func swallow(outcome, reason string) func(*rand.Rand, []contract.LedgerRow, int) []contract.LedgerRow {
	return func(rng *rand.Rand, l []contract.LedgerRow, i int) []contract.LedgerRow {
		j := i
		for n := rng.IntN(30); n > 0 && j+1 < len(l) && l[j+1].File == l[i].File; n-- {
			j++
		}
		end := l[j].End()
		become(&l[i], outcome, reason)
		l[i].Length = end - l[i].Offset
		return slices.Delete(l, i+1, j+1)
	}
}

var mutations = []mutation{
	{"leave the row out", func(_ *rand.Rand, l []contract.LedgerRow, i int) []contract.LedgerRow {
		return slices.Delete(l, i, i+1)
	}},
	{"repeat the row", func(_ *rand.Rand, l []contract.LedgerRow, i int) []contract.LedgerRow {
		return slices.Insert(l, i, l[i])
	}},
	{"swap with the next", func(_ *rand.Rand, l []contract.LedgerRow, i int) []contract.LedgerRow {
		if i+1 < len(l) {
			l[i], l[i+1] = l[i+1], l[i]
		}
		return l
	}},
	{"leave out everything after", func(_ *rand.Rand, l []contract.LedgerRow, i int) []contract.LedgerRow { return l[:i+1] }},
	{"leave out everything before", func(_ *rand.Rand, l []contract.LedgerRow, i int) []contract.LedgerRow { return l[i:] }},
	{"offset into the member", field(func(rng *rand.Rand, r *contract.LedgerRow) {
		by := 1 + rng.Int64N(r.Length)
		r.Offset += by
		r.Length -= by
	})},
	{"offset before the member", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.Offset--; r.Length++ })},
	{"no offset", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.Offset, r.Length = -1, 0 })},
	{"shorter", field(func(rng *rand.Rand, r *contract.LedgerRow) { r.Length -= 1 + rng.Int64N(r.Length) })},
	{"longer", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.Length += 7 })},
	{"beyond the file", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.Length = 1 << 40 })},
	{"another file", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.File++ })},
	{"negative file", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.File = -1 })},
	{"another id", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.ID += "x" })},
	{"NaN value", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.Value = math.NaN() })},
	{"negative zero", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.Value = math.Copysign(r.Value, -1) })},
	{"another value", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.Value++ })},
	{"another language", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.Language = "de" })},
	{"a score one bit off", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.LanguageScore = math.Nextafter(r.LanguageScore, 2) })},
	{"fewer characters", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.Characters-- })},
	{"one band key less", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.BandKeys = r.BandKeys[:max(len(r.BandKeys)-1, 0)] })},
	{"no band keys", field(func(_ *rand.Rand, r *contract.LedgerRow) {
		r.BandKeys, r.KeptFile, r.KeptOffset = nil, contract.NoKeeper, contract.NoKeeper
	})},
	{"other band keys", field(func(rng *rand.Rand, r *contract.LedgerRow) {
		r.BandKeys = slices.Clone(r.BandKeys)
		for j := range r.BandKeys {
			r.BandKeys[j] ^= rng.Uint64()
		}
	})},
	{"a keeper that is none", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.KeptOffset++ })},
	{"a keeper of no file", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.KeptFile = 99 })},
	{"kept", field(func(_ *rand.Rand, r *contract.LedgerRow) { r.Outcome, r.Reason, r.Value = contract.OutcomeKept, "", 0 })},
	{"duplicate", field(func(_ *rand.Rand, r *contract.LedgerRow) {
		r.Outcome, r.Reason = contract.OutcomeMinHash, contract.ReasonDuplicate
	})},
	{"duplicate of the first", field(func(_ *rand.Rand, r *contract.LedgerRow) {
		r.Outcome, r.Reason, r.KeptFile, r.KeptOffset = contract.OutcomeMinHash, contract.ReasonDuplicate, 0, 0
	})},
	{"dropped", field(func(_ *rand.Rand, r *contract.LedgerRow) { drop(r, "toy", "unwanted") })},
	{"unreadable", field(func(_ *rand.Rand, r *contract.LedgerRow) { drop(r, "read", "too_large") })},
	{"no stage", field(func(_ *rand.Rand, r *contract.LedgerRow) { drop(r, "whim", "") })},
	{"damaged", field(func(_ *rand.Rand, r *contract.LedgerRow) { become(r, contract.OutcomeDamaged, "truncated") })},
	{"damaged in part", field(func(rng *rand.Rand, r *contract.LedgerRow) {
		become(r, contract.OutcomeDamaged, "truncated")
		r.Length -= rng.Int64N(r.Length)
	})},
	{"two damaged", func(rng *rand.Rand, l []contract.LedgerRow, i int) []contract.LedgerRow {
		become(&l[i], contract.OutcomeDamaged, "truncated")
		second := l[i]
		l[i].Length -= rng.Int64N(l[i].Length)
		second.Offset = l[i].End()
		second.Length -= l[i].Length
		return slices.Insert(l, i+1, second)
	}},
	{"damaged, then a page of its own", func(rng *rand.Rand, l []contract.LedgerRow, i int) []contract.LedgerRow {
		page := l[i]
		become(&l[i], contract.OutcomeDamaged, "truncated")
		l[i].Length -= rng.Int64N(l[i].Length)
		page.Offset, page.Length = l[i].End(), page.Length-l[i].Length
		drop(&page, "toy", "unwanted")
		return slices.Insert(l, i+1, page)
	}},
	{"skipped", swallow(contract.OutcomeSkipped, "")},
	{"damage over pages", swallow(contract.OutcomeDamaged, "gzip_data")},
	{"no ranges", swallow(contract.OutcomeNoRanges, "")},
	{"one row for everything", func(_ *rand.Rand, l []contract.LedgerRow, _ int) []contract.LedgerRow {
		last := l[len(l)-1]
		become(&l[0], contract.OutcomeSkipped, "")
		l[0].Offset, l[0].Length = 0, last.End()
		return l[:1]
	}},
}

// TestNoChangeOfALedgerPasses makes one change to an honest ledger, with shards
// that fit what is left, and wants the content, the slice of the whole file or
// the clusters to refuse it. What the slice refuses must have a proof that holds
// for somebody who has nothing but manifest and crawl.
func TestNoChangeOfALedgerPasses(t *testing.T) {
	w := newWorld(t, 11, 1, 30, true)
	honest := w.publish(w.ledger, w.rows)
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			for round := range rounds {
				rng := rand.New(rand.NewPCG(uint64(round), 3))
				i := rng.IntN(len(w.ledger))
				ledger := m.apply(rng, w.ledgerCopy(), i)
				c := w.publish(ledger, w.rowsFor(ledger))
				if c.s.Manifest.LedgerRoot == honest.s.Manifest.LedgerRoot {
					continue
				}
				if c.content(t).Outcome == eval.Rejected {
					continue
				}
				slice := c.slice(t, w.source(), wholeSeed(c, m.name, round), wholeFile)
				if slice.Outcome == eval.Rejected {
					c.confirmed(t, slice, w.source(), false)
					continue
				}
				wantOutcome(t, slice, eval.Accepted)
				clusters := c.clusters(t)
				if clusters.Outcome != eval.Rejected {
					t.Fatalf("row %d changed, and nothing is wrong with it: %+v", i, ledger[min(i, len(ledger)-1)])
				}
				c.confirmed(t, clusters, w.source(), true)
			}
		})
	}
}

// TestClaimsOverLongSpansAreComparedAsFarAsBytesReach: no claim makes a
// validator read more than it wants, and a span that is too long is refuted by
// its first bytes.
func TestClaimsOverLongSpansAreComparedAsFarAsBytesReach(t *testing.T) {
	w := newWorld(t, 13, 1, 24, true)
	src := w.source()
	honest := w.publish(w.ledger, w.rows)
	for src.MaxFetch = 100; src.MaxFetch < 20_000; src.MaxFetch += 333 {
		wantOutcome(t, honest.slice(t, src, wholeSeed(honest, 1), wholeFile), eval.Accepted)
	}
	src.MaxFetch = 5000
	for _, outcome := range []string{contract.OutcomeSkipped, contract.OutcomeDamaged, contract.OutcomeNoRanges} {
		ledger := w.ledgerCopy()[:1]
		become(&ledger[0], outcome, "")
		ledger[0].Offset, ledger[0].Length = 0, int64(len(w.data[w.paths[0]]))
		c := w.publish(ledger, nil)
		wantOutcome(t, c.content(t), eval.Accepted)
		check := c.slice(t, src, wholeSeed(c, outcome), wholeFile)
		wantOutcome(t, check, eval.Rejected)
		c.confirmed(t, check, src, false)
	}
}

// TestPageInsideAnotherRecordIsInvented: whoever controls a page can let the
// crawl store a gzip member with a page of his inside it. A row that points
// there reads well from its own offset, yet it is no record of the file.
func TestPageInsideAnotherRecordIsInvented(t *testing.T) {
	w := newWorld(t, 14, 1, 6, false)
	path := w.paths[0]
	inner := &warcFile{rng: rand.New(rand.NewPCG(9, 9)), z: gzip.NewWriter(nil)}
	inner.member(inner.page("a page of my own that nobody crawled, at length"))
	outer := &warcFile{rng: inner.rng}
	var err error
	if outer.z, err = gzip.NewWriterLevel(nil, gzip.NoCompression); err != nil {
		t.Fatal(err)
	}
	outer.member(outer.record("resource", "application/gzip", inner.String()))
	at := len(w.data[path])
	offset := int64(at + bytes.Index(outer.Bytes(), inner.Bytes()))
	tail := w.data[path][w.ledger[0].Offset:w.ledger[0].End()] // a last page after it
	w.data[path] = slices.Concat(w.data[path], outer.Bytes(), tail)
	w.ledger, w.rows = nil, nil
	w.refine()

	fake := w.scan(0, offset, offset+int64(inner.Len()))
	if len(fake) != 1 || fake[0].Row == nil {
		t.Fatalf("the inner member gives %d rows", len(fake))
	}
	ledger := append(w.ledgerCopy(), fake[0].Ledger)
	sortLedger(ledger)
	ledger, rows := w.recluster(ledger, map[[2]int64]contract.Row{{0, offset}: *fake[0].Row})
	c := w.publish(ledger, rows)
	wantOutcome(t, c.content(t), eval.Accepted)
	check := c.slice(t, w.source(), wholeSeed(c, 1), wholeFile)
	wantOutcome(t, check, eval.Rejected)
	c.confirmed(t, check, w.source(), false)
}

// rowsFor returns the shards that a ledger's kept rows ask for, as true as they
// can be.
func (w *world) rowsFor(ledger []contract.LedgerRow) []contract.Row {
	docs := w.documents()
	var rows []contract.Row
	for _, l := range ledger {
		if l.Outcome != contract.OutcomeKept {
			continue
		}
		row, ok := docs[[2]int64{int64(l.File), l.Offset}]
		if !ok && len(docs) > 0 {
			row = w.rows[0]
		}
		row.ID, row.WARCOffset, row.WARCLength = l.ID, l.Offset, int32(l.Length)
		row.Language, row.LanguageScore = l.Language, l.LanguageScore
		rows = append(rows, row)
	}
	return rows
}

// TestNoChangeOfADocumentPasses does the same with the columns of shards.
func TestNoChangeOfADocumentPasses(t *testing.T) {
	w := newWorld(t, 12, 1, 12, false)
	for name, change := range map[string]func(*contract.Row){
		"text":           func(r *contract.Row) { r.Text += "." },
		"no text":        func(r *contract.Row) { r.Text = "" },
		"id":             func(r *contract.Row) { r.ID = "<urn:uuid:mine>" },
		"dump":           func(r *contract.Row) { r.Dump = "CC-MAIN-2013-20" },
		"url":            func(r *contract.Row) { r.URL += "/" },
		"date":           func(r *contract.Row) { r.Date = "2025-01-01T00:00:00Z" },
		"file_path":      func(r *contract.Row) { r.FilePath = "crawl-data/other" },
		"language":       func(r *contract.Row) { r.Language = "de" },
		"language_score": func(r *contract.Row) { r.LanguageScore = math.NaN() },
		"token_count":    func(r *contract.Row) { r.TokenCount++ },
		"warc_offset":    func(r *contract.Row) { r.WARCOffset++ },
		"warc_length":    func(r *contract.Row) { r.WARCLength-- },
	} {
		t.Run(name, func(t *testing.T) {
			rows := w.rowsCopy()
			change(&rows[len(rows)/2])
			c := w.publish(w.ledger, rows)
			if c.content(t).Outcome == eval.Rejected {
				return
			}
			check := c.slice(t, w.source(), wholeSeed(c, name), wholeFile)
			wantOutcome(t, check, eval.Rejected)
			c.confirmed(t, check, w.source(), false)
		})
	}
}
