package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
	"finest/pipeline/shard"
)

// some returns at least one and about share of n indices, rising.
func some(rng *rand.Rand, n int, share float64) []int {
	k := max(1, int(float64(n)*share))
	out := rng.Perm(n)[:k]
	slices.Sort(out)
	return out
}

// recluster gives a changed ledger the clusters and rows its keys ask for, so
// that nothing but the change itself is wrong. Documents of rows that the honest
// ledger dropped are computed.
func (w *world) recluster(ledger []contract.LedgerRow, invented map[[2]int64]contract.Row) ([]contract.LedgerRow, []contract.Row) {
	docs := w.documents()
	for k, r := range invented {
		docs[k] = r
	}
	clusterer := minhash.NewClusterer(keysort.Options{})
	for i := range ledger {
		if err := clusterer.Add(ledger[i].BandKeys); err != nil {
			w.t.Fatal(err)
		}
	}
	var rows []contract.Row
	keepers, err := clusterer.Keepers(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for i, keeper := range keepers {
		l := &ledger[i]
		if len(l.BandKeys) > 0 {
			l.KeptFile, l.KeptOffset = ledger[keeper].File, ledger[keeper].Offset
			l.Outcome, l.Reason = contract.OutcomeKept, ""
			if int(keeper) != i {
				l.Outcome, l.Reason = contract.OutcomeMinHash, contract.ReasonDuplicate
			}
		}
		if l.Outcome == contract.OutcomeKept {
			rows = append(rows, docs[[2]int64{int64(l.File), l.Offset}])
		}
	}
	return ledger, rows
}

// documents returns every document that survives, by file and offset.
func (w *world) documents() map[[2]int64]contract.Row {
	out := make(map[[2]int64]contract.Row)
	for i, path := range w.paths {
		for _, r := range w.scan(int32(i), 0, int64(len(w.data[path]))) {
			if r.Row != nil {
				out[[2]int64{int64(i), r.Ledger.Offset}] = *r.Row
			}
		}
	}
	return out
}

func (w *world) scan(file int32, from, to int64) []pipeline.Result {
	w.t.Helper()
	key := span{int64(file), from, to}
	if known, ok := w.scans[key]; ok {
		return known
	}
	path := w.paths[file]
	f := pipeline.File{Number: file, Path: pipeline.FilePath(path), Dump: testCrawl, Start: from, Bytes: int64(len(w.data[path])), Leased: true}
	var out []pipeline.Result
	_, err := w.runner.Scan(context.Background(), bytes.NewReader(w.data[path][from:to]), f, func(r pipeline.Result) error {
		out = append(out, r)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.scans[key] = out
	return out
}

func (w *world) filter(keep func(int) bool) ([]contract.LedgerRow, []contract.Row) {
	var ledger []contract.LedgerRow
	for i, l := range w.ledger {
		if keep(i) {
			ledger = append(ledger, l)
		}
	}
	return w.recluster(ledger, nil)
}

func (w *world) insert(spans map[span]bool) ([]contract.LedgerRow, []contract.Row) {
	ledger := w.ledgerCopy()
	invented := make(map[[2]int64]contract.Row)
	for s := range spans {
		id := fmt.Sprintf("<urn:uuid:invented-%d>", s.offset)
		ledger = append(ledger, contract.LedgerRow{
			File: int32(s.file), Offset: s.offset, Length: s.length, ID: id, Outcome: contract.OutcomeKept,
			Language: "en", LanguageScore: 0.75, Characters: 20, KeptFile: contract.NoKeeper, KeptOffset: contract.NoKeeper,
		})
		invented[[2]int64{s.file, s.offset}] = contract.Row{
			Text: "text of my own making", ID: id, Dump: testCrawl, URL: "https://example.org/mine", Date: "2024-02-21T00:00:00Z",
			FilePath: pipeline.FilePath(w.paths[s.file]), Language: "en", LanguageScore: 0.75, TokenCount: 5,
			WARCOffset: s.offset, WARCLength: int32(s.length),
		}
	}
	sortLedger(ledger)
	return w.recluster(ledger, invented)
}

func sortLedger(ledger []contract.LedgerRow) {
	slices.SortFunc(ledger, func(a, b contract.LedgerRow) int {
		if a.File != b.File {
			return int(a.File - b.File)
		}
		return int(a.Offset - b.Offset)
	})
}

func (w *world) free(rng *rand.Rand, rows map[int]bool) ([]contract.LedgerRow, []contract.Row) {
	ledger := w.ledgerCopy()
	for i := range rows {
		keys := slices.Clone(ledger[i].BandKeys)
		for j := range keys {
			keys[j] = rng.Uint64()
		}
		ledger[i].BandKeys = keys
	}
	return w.recluster(ledger, nil)
}

func (w *world) adopt(other *world) ([]contract.LedgerRow, []contract.Row) {
	var ledger []contract.LedgerRow
	docs := make(map[[2]int64]contract.Row)
	for key, r := range other.documents() {
		r.FilePath = pipeline.FilePath(w.paths[key[0]])
		docs[key] = r
	}
	for _, l := range other.ledger {
		if l.End() <= int64(len(w.data[w.paths[l.File]])) {
			ledger = append(ledger, l)
		}
	}
	return w.recluster(ledger, docs)
}

// predict returns the probability that one audit catches a claim, from first
// principles: the claimed borders cut the files into segments; one whose bytes
// do not give the claimed rows is bad; and the audit fails if d is one of the
// numbers for which [d − slice, d) touches a bad segment.
func (w *world) predict(c *claim, slice int64) float64 {
	w.t.Helper()
	ledger, rows := readClaim(w.t, c)
	kept := make(map[[2]int64]contract.Row)
	next := 0
	for _, l := range ledger {
		if l.Outcome == contract.OutcomeKept {
			kept[[2]int64{int64(l.File), l.Offset}] = rows[next]
			next++
		}
	}
	var bad, all int64
	for i, path := range w.paths {
		size := int64(len(w.data[path]))
		all += size + slice
		borders := []int64{0}
		for _, l := range ledger {
			if l.File == int32(i) && l.Outcome != contract.OutcomeDamaged && l.Offset > 0 {
				borders = append(borders, l.Offset)
			}
		}
		borders = append(borders, size)
		var counted int64 // draws up to here are counted
		for j := range len(borders) - 1 {
			from, to := borders[j], borders[j+1]
			if w.agrees(int32(i), from, to, ledger, kept) {
				continue
			}
			first, last := max(from+1, counted), to+slice // d in (from, to + slice)
			bad += max(last-first, 0)
			counted = max(counted, last)
		}
	}
	return float64(bad) / float64(all)
}

func (w *world) agrees(file int32, from, to int64, ledger []contract.LedgerRow, kept map[[2]int64]contract.Row) bool {
	var claimed []contract.LedgerRow
	for _, l := range ledger {
		if l.File == file && l.Offset >= from && l.Offset < to {
			claimed = append(claimed, l)
		}
	}
	truth := w.scan(file, from, to)
	if len(truth) != len(claimed) {
		return false
	}
	for i, r := range truth {
		l := claimed[i]
		row, isKept := kept[[2]int64{int64(file), l.Offset}]
		if isKept && (r.Row == nil || row != *r.Row) {
			return false
		}
		if l.ReachedMinHash() != r.Ledger.ReachedMinHash() {
			return false
		}
		if l.ReachedMinHash() {
			l.Outcome, l.Reason, l.KeptFile, l.KeptOffset = r.Ledger.Outcome, r.Ledger.Reason, r.Ledger.KeptFile, r.Ledger.KeptOffset
		}
		if fmt.Sprint(l.Canonical()...) != fmt.Sprint(r.Ledger.Canonical()...) {
			return false
		}
	}
	return true
}

func readClaim(t testing.TB, c *claim) (ledger []contract.LedgerRow, rows []contract.Row) {
	t.Helper()
	for _, f := range c.s.Manifest.Ledgers() {
		for l, err := range shard.ReadLedger(bytes.NewReader(c.files[f.Path]), f.Bytes, f.Rows) {
			if err != nil {
				t.Fatal(err)
			}
			ledger = append(ledger, l)
		}
	}
	for _, f := range c.s.Manifest.Shards() {
		for r, err := range shard.ReadRows(bytes.NewReader(c.files[f.Path]), f.Bytes, f.Rows) {
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, r)
		}
	}
	return ledger, rows
}
