package miner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"finest/hub"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/refiner"
)

// totalsPath is where a publication's sums lie. Nothing is decided by them: they
// are for the card, and for whoever wants to know what is in a repository.
const totalsPath = "totals.json"

// Bounds of totals that are read from a hub.
const (
	maxTotals = 4 << 20 // bytes
	maxSum    = 1 << 52 // leaves room below the 2^53 of canonical JSON
	// maxNames is how many crawls, languages and reasons there can be. A card
	// lists them, and so many sums added up still fit in 64 bits.
	maxNames = 1000
)

// totals sum up the tasks of a claim log, so that a card need not read the
// manifests of all of them.
type totals struct {
	// Log is the SHA-256 of the log.
	Log string `json:"log"`
	// Tasks are those counted: all of the log, unless the sums of an earlier log
	// were lost.
	Tasks int64 `json:"tasks"`
	// WARCFiles, WARCBytes and Pages were read.
	WARCFiles int64 `json:"warc_files"`
	WARCBytes int64 `json:"warc_bytes"`
	Pages     int64 `json:"pages"`
	// Crawls is what they gave, Languages its documents by language.
	Crawls    map[string]amount `json:"crawls"`
	Languages map[string]int64  `json:"languages"`
	// Counts are the funnel, sorted.
	Counts []contract.Count `json:"counts"`
}

// amount is what there is of something.
type amount struct {
	Tasks     int64 `json:"tasks"`
	Documents int64 `json:"documents"`
	Tokens    int64 `json:"tokens"`
	TextBytes int64 `json:"text_bytes"`
}

func (a amount) plus(b amount) amount {
	return amount{a.Tasks + b.Tasks, a.Documents + b.Documents, a.Tokens + b.Tokens, a.TextBytes + b.TextBytes}
}

// summary is what totals need of a task and its manifest does not say.
type summary struct {
	Tokens    int64            `json:"tokens"`
	TextBytes int64            `json:"text_bytes"`
	Languages map[string]int64 `json:"languages"`
}

func summarize(r *refiner.Report) *summary {
	return &summary{Tokens: r.Tokens, TextBytes: r.TextBytes, Languages: r.Languages}
}

// with returns the totals of the log that continues that of t by m.
func (t totals) with(m contract.Manifest, s summary) totals {
	t.Tasks++
	t.WARCFiles += int64(len(m.Inputs))
	for _, in := range m.Inputs {
		t.WARCBytes += in.Bytes
		t.Pages += in.Pages
	}
	a := amount{Tasks: 1, Tokens: s.Tokens, TextBytes: s.TextBytes}
	for _, f := range m.Shards() {
		a.Documents += f.Rows
	}
	t.Crawls, t.Languages = maps.Clone(t.Crawls), maps.Clone(t.Languages)
	if t.Crawls == nil {
		t.Crawls = make(map[string]amount)
	}
	if t.Languages == nil {
		t.Languages = make(map[string]int64)
	}
	t.Crawls[m.Dump] = t.Crawls[m.Dump].plus(a)
	for language, n := range s.Languages {
		t.Languages[language] += n
	}
	t.Counts = addCounts(t.Counts, m.Counts)
	return t
}

func addCounts(a, b []contract.Count) []contract.Count {
	rows := make(map[contract.Count]int64) // keys have no Rows
	for _, c := range slices.Concat(a, b) {
		rows[contract.Count{Outcome: c.Outcome, Reason: c.Reason}] += c.Rows
	}
	sum := make([]contract.Count, 0, len(rows))
	for c, n := range rows {
		c.Rows = n
		sum = append(sum, c)
	}
	slices.SortFunc(sum, contract.Count.Compare)
	return sum
}

// all is the sum over the crawls.
func (t totals) all() (sum amount) {
	for _, a := range t.Crawls {
		sum = sum.plus(a)
	}
	return sum
}

// parseTotals reads totals that came from outside.
func parseTotals(raw []byte) (t totals, err error) {
	if err := canon.Unmarshal(raw, &t); err != nil {
		return totals{}, fmt.Errorf("read totals: %w", err)
	}
	if n := max(len(t.Crawls), len(t.Languages), len(t.Counts)); n > maxNames {
		return totals{}, fmt.Errorf("read totals: %d names of a kind, more than %d", n, maxNames)
	}
	sums := []int64{t.Tasks, t.WARCFiles, t.WARCBytes, t.Pages}
	for crawl, a := range t.Crawls {
		if !contract.ValidCrawl(crawl) {
			return totals{}, fmt.Errorf("read totals: a crawl is called %.80q", crawl)
		}
		sums = append(sums, a.Tasks, a.Documents, a.Tokens, a.TextBytes)
	}
	for _, c := range t.Counts {
		sums = append(sums, c.Rows)
	}
	sums = slices.AppendSeq(sums, maps.Values(t.Languages))
	for _, n := range sums {
		if n < 0 || n > maxSum {
			return totals{}, fmt.Errorf("read totals: a sum is %d", n)
		}
	}
	return t, nil
}

// totalsOf returns the totals of the claimed log. Where they cannot be had, the
// sums begin anew: a card is not worth a publication.
func (m *Miner) totalsOf(ctx context.Context, l claimedLog) (totals, error) {
	if len(l.raw) == 0 || !l.onChain {
		return totals{}, nil
	}
	at := hub.Ref{Repo: l.claim.Repo, Revision: l.claim.Commit}
	raw, err := m.readOptional(ctx, at, totalsPath, maxTotals)
	if err != nil && (ctx.Err() != nil || temporary(err)) {
		return totals{}, err
	}
	var t totals
	if err == nil {
		t, err = parseTotals(raw)
	}
	if err == nil && t.Log != l.claim.LogSHA256 {
		err = errors.New("they are of another log")
	}
	if err != nil {
		m.Log.Warn().Err(err).Str("claim", l.claim.String()).Msg("the sums for the card begin anew")
		return totals{}, nil
	}
	return t, nil
}
