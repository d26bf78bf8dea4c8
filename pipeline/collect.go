package pipeline

import (
	"strings"

	"finest/internal/contract"
	"finest/pipeline/warc"
)

// maxGap is the number of bytes that may pass without a ledger row. It bounds
// how far a slice must be widened to reach a border.
const maxGap = 1 << 20

// Kinds of records, as counted in FileStats.Skipped.
const (
	kindResponse = "response"
	kindNotHTML  = "not_html"
	kindShared   = "shared_member"
	kindOther    = "other"
)

// recordKind returns the record's type if WARC 1.1 (section 5.5) knows it.
func recordKind(rec *warc.Record) string {
	switch t := strings.ToLower(rec.Type); t {
	case "warcinfo", kindResponse, "resource", "request", "metadata", "revisit", "conversion", "continuation":
		return t
	}
	return kindOther
}

// collector receives the jobs of a file in order and makes its ledger rows.
type collector struct {
	file  File
	emit  func(Result) error
	stats FileStats
	// end is the end of the last row, where the present gap starts; −1 after
	// records without ranges, until one with a range follows.
	end  int64
	rows int64
}

func newCollector(f File, emit func(Result) error) *collector {
	return &collector{
		file: f, emit: emit, end: f.Start,
		stats: FileStats{Damage: make(map[string]int64), Skipped: make(map[string]int64)},
	}
}

func (c *collector) add(j *job) error {
	rec := j.rec
	switch {
	case rec.Damage != "":
		c.stats.Damage[rec.Damage]++
		return c.span(rec.Offset, rec.Length, contract.OutcomeDamaged, rec.Damage)
	case j.withoutRange():
		c.stats.Skipped[kindShared]++
		return c.span(rec.Offset, rec.Length, contract.OutcomeNoRanges, "")
	}
	c.stats.Records++
	if j.page != nil {
		c.stats.Pages++
		if j.page.Row != nil {
			c.stats.Survived++
		}
		return c.row(*j.page)
	}
	kind := recordKind(rec)
	if kind == kindResponse {
		kind = kindNotHTML
	}
	c.stats.Skipped[kind]++
	if info := rec.Info(); info != nil && c.stats.IsPartOf == "" {
		c.stats.IsPartOf = strings.TrimSpace(info["ispartof"])
	}
	return c.pass(rec)
}

// pass takes note of a record without a page.
func (c *collector) pass(rec *warc.Record) error {
	switch {
	case rec.Offset < 0:
		c.end = -1
	case c.end < 0:
		c.end = rec.Offset
	}
	if c.end < 0 || rec.End()-c.end <= maxGap {
		return nil
	}
	return c.span(c.end, rec.End()-c.end, contract.OutcomeSkipped, "")
}

// finish is called at the end of the input, which is at offset end of the file.
// Only a whole file can be known to have no row at all.
func (c *collector) finish(end int64) error {
	whole := c.file.Start == 0 && (c.file.Bytes < 0 || c.file.Bytes == end)
	if !whole || c.rows > 0 || end == 0 {
		return nil
	}
	return c.span(0, end, contract.OutcomeSkipped, "")
}

func (c *collector) span(offset, length int64, outcome, reason string) error {
	return c.row(Result{Ledger: contract.LedgerRow{
		File: c.file.Number, Offset: offset, Length: length, Outcome: outcome, Reason: reason,
		KeptFile: contract.NoKeeper, KeptOffset: contract.NoKeeper,
	}})
}

func (c *collector) row(r Result) error {
	c.rows++
	c.end = -1
	if r.Ledger.Offset >= 0 {
		c.end = r.Ledger.End()
	}
	return c.emit(r)
}
