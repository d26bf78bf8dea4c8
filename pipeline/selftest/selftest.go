// Package selftest runs the built-in recipes over pages that lie in the program
// and compares what becomes of them with what should. Two installations whose
// digests agree make the same rows of the same bytes.
//
// The pages are this project's own. They are various rather than many: prose,
// lists, tables, a forum, a shop, code, quotes, eleven languages, a dozen
// encodings, near-duplicates, and pages that each stage drops.
package selftest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
	"finest/pipeline/recipes"
)

// stageURL is left out of the recipes, as its lists are no part of the program.
const stageURL = "url"

// Result is what one recipe makes of the pages.
type Result struct {
	Recipe string
	// Ledger and Rows are in order of offset, after clustering.
	Ledger []contract.LedgerRow
	Rows   []contract.Row
}

// Pages counts the pages among the ledger rows.
func (r Result) Pages() int {
	n := 0
	for _, row := range r.Ledger {
		if row.IsPage() {
			n++
		}
	}
	return n
}

// Names returns the recipes that are run, one of each profile: those that need no
// file beside the URL lists.
func Names() []string { return []string{recipes.FineWebNoLists, recipes.FineWebHead} }

// Run runs the recipes over the pages.
func Run(ctx context.Context) ([]Result, error) {
	file, err := Pack()
	if err != nil {
		return nil, fmt.Errorf("self-test: %w", err)
	}
	var results []Result
	for _, name := range Names() {
		r, err := run(ctx, name, file.Bytes)
		if err != nil {
			return nil, fmt.Errorf("self-test with recipe %s: %w", name, err)
		}
		results = append(results, r)
	}
	return results, nil
}

func run(ctx context.Context, name string, file []byte) (Result, error) {
	runner, err := newRunner(name)
	if err != nil {
		return Result{}, err
	}
	result := Result{Recipe: name}
	var survived []contract.Row
	f := pipeline.File{Path: "selftest.warc.gz", Dump: "SELFTEST", Bytes: int64(len(file)), Leased: true}
	_, err = runner.Scan(ctx, bytes.NewReader(file), f, func(r pipeline.Result) error {
		result.Ledger = append(result.Ledger, r.Ledger)
		if r.Row != nil {
			survived = append(survived, *r.Row)
		}
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	result.Rows, err = cluster(ctx, result.Ledger, survived)
	return result, err
}

func newRunner(name string) (*pipeline.Runner, error) {
	r, err := recipes.Named(name)
	if err != nil {
		return nil, err
	}
	r.Stages = slices.DeleteFunc(r.Stages, func(s contract.StageSpec) bool { return s.Name == stageURL })
	return recipes.Build(r, "")
}

// cluster marks the near-duplicates in the ledger and returns the rows that are
// kept.
func cluster(ctx context.Context, ledger []contract.LedgerRow, survived []contract.Row) ([]contract.Row, error) {
	clusterer := minhash.NewClusterer(keysort.Options{})
	var signed []*contract.LedgerRow
	for i := range ledger {
		if row := &ledger[i]; len(row.BandKeys) > 0 {
			if err := clusterer.Add(row.BandKeys); err != nil {
				return nil, err
			}
			signed = append(signed, row)
		}
	}
	keepers, err := clusterer.Keepers(ctx)
	if err != nil {
		return nil, err
	}
	for i, keeper := range keepers {
		if int(keeper) != i {
			row, kept := signed[i], signed[keeper]
			row.Outcome, row.Reason, row.Value = contract.OutcomeMinHash, contract.ReasonDuplicate, 0
			row.KeptFile, row.KeptOffset = kept.File, kept.Offset
		}
	}
	kept := make(map[int64]bool)
	for _, row := range ledger {
		kept[row.Offset] = row.Outcome == contract.OutcomeKept
	}
	return slices.DeleteFunc(survived, func(r contract.Row) bool { return !kept[r.WARCOffset] }), nil
}

// Digest returns the SHA-256 over the canonical JSON of all rows, one a line:
// for each recipe its name, the ledger, the documents.
func Digest(results []Result) (string, error) {
	hash := sha256.New()
	line := func(v any) error {
		raw, err := canon.Marshal(v)
		if err == nil {
			hash.Write(append(raw, '\n'))
		}
		return err
	}
	for _, r := range results {
		err := line(r.Recipe)
		for i := 0; i < len(r.Ledger) && err == nil; i++ {
			err = line(r.Ledger[i].Canonical())
		}
		for i := 0; i < len(r.Rows) && err == nil; i++ {
			err = line(r.Rows[i].Canonical())
		}
		if err != nil {
			return "", fmt.Errorf("digest of recipe %s: %w", r.Recipe, err)
		}
	}
	return canon.Hash(hash.Sum(nil)).String(), nil
}
