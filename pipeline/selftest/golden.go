package selftest

import (
	_ "embed" // for golden.json
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"finest/internal/contract"
)

//go:embed golden.json
var goldenFile []byte

// Golden is what the pages must become. It is made by
//
//	go test ./pipeline/selftest -update
//
// whenever pipeline.Version changes.
type Golden struct {
	// WARC is the SHA-256 of the packed pages.
	WARC string `json:"warc_sha256"`
	// Digest is that of Results.
	Digest  string   `json:"digest"`
	Results []Result `json:"results"`
}

// Expected returns what the pages must become.
func Expected() (Golden, error) {
	var g Golden
	if err := json.Unmarshal(goldenFile, &g); err != nil {
		return Golden{}, fmt.Errorf("read the expected rows: %w", err)
	}
	return g, nil
}

// Difference is a row that is not as expected.
type Difference struct {
	Recipe string `json:"recipe"`
	// Table is ledger or documents.
	Table string `json:"table"`
	// Offset is where the row's span starts in the packed pages; URL names the
	// page there, if it is one.
	Offset int64  `json:"offset"`
	URL    string `json:"url"`
	// Column is the first that differs, Got and Want are its values as they stand
	// in the row's canonical form. All are empty where one side lacks the row.
	Column string `json:"column"`
	Got    string `json:"got"`
	Want   string `json:"want"`
}

// Compare returns the rows of got that are not as in want.
func Compare(got, want []Result) ([]Difference, error) {
	file, err := Pack()
	if err != nil {
		return nil, err
	}
	var all []Difference
	for _, r := range got {
		var w Result
		if i := slices.IndexFunc(want, func(w Result) bool { return w.Recipe == r.Recipe }); i >= 0 {
			w = want[i]
		}
		for _, table := range []struct {
			name      string
			columns   []string
			got, want map[int64][]any
		}{
			{"ledger", contract.LedgerColumns(), ledgerByOffset(r.Ledger), ledgerByOffset(w.Ledger)},
			{"documents", contract.RowColumns(), rowsByOffset(r.Rows), rowsByOffset(w.Rows)},
		} {
			for _, offset := range offsets(table.got, table.want) {
				column, g, w, same := firstDifference(table.columns, table.got[offset], table.want[offset])
				if !same {
					all = append(all, Difference{r.Recipe, table.name, offset, file.URLs[offset], column, g, w})
				}
			}
		}
	}
	return all, nil
}

// firstDifference compares two rows; nil stands for none.
func firstDifference(columns []string, got, want []any) (column, g, w string, same bool) {
	if len(got) != len(want) {
		return "", "", "", false
	}
	for i := range got {
		if g, w := fmt.Sprint(got[i]), fmt.Sprint(want[i]); g != w {
			return columns[i], g, w, false
		}
	}
	return "", "", "", true
}

func ledgerByOffset(rows []contract.LedgerRow) map[int64][]any {
	byOffset := make(map[int64][]any, len(rows))
	for _, r := range rows {
		byOffset[r.Offset] = r.Canonical()
	}
	return byOffset
}

func rowsByOffset(rows []contract.Row) map[int64][]any {
	byOffset := make(map[int64][]any, len(rows))
	for _, r := range rows {
		byOffset[r.WARCOffset] = r.Canonical()
	}
	return byOffset
}

// offsets returns the keys of both, in order.
func offsets(a, b map[int64][]any) []int64 {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
