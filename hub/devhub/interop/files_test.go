package interop

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline/shard"
)

const dump = "CC-MAIN-2024-18"

// expected is what the scripts find of a file in expected.json.
type expected struct {
	Path string `json:"path"`
	Kind string `json:"kind"` // "shard" or "ledger"
	Rows int64  `json:"rows"`
	Root string `json:"root"`
	// Groups are the rows of the row groups, Lengths their bytes.
	Groups  []int64 `json:"groups"`
	Lengths []int64 `json:"lengths"`
	Footer  int64   `json:"footer"` // its offset
	Points  []point `json:"points"`
}

// point is a row whose id no other row has.
type point struct {
	Position int    `json:"position"`
	Group    int    `json:"group"`
	ID       string `json:"id"`
	Row      string `json:"row"` // canonical JSON
}

// writeFiles writes shards and ledgers of several shapes to dir, and expected.json.
func writeFiles(t *testing.T, dir string) []expected {
	t.Helper()
	files := []expected{
		writeFile(t, dir, "shard", "000001", oddRows(), shard.WriteRows),
		writeFile(t, dir, "shard", "000002", oddRows()[:1], shard.WriteRows),
		writeFile(t, dir, "shard", "000003", largeRows(), shard.WriteRows),
		writeFile(t, dir, "ledger", "000001", ledgerRows(40), shard.WriteLedger),
		writeFile(t, dir, "ledger", "000002", ledgerRows(60_000), shard.WriteLedger),
	}
	writeJSON(t, filepath.Join(dir, "expected.json"), files)
	return files
}

type writer[T any] func(dir, prefix string, rows iter.Seq2[T, error], finished func(contract.OutputFile)) ([]contract.OutputFile, canon.Hash, error)

func writeFile[T interface{ Canonical() []any }](t *testing.T, dir, kind, task string, rows []T, write writer[T]) expected {
	t.Helper()
	folder := map[string]string{"shard": "data", "ledger": "ledger"}[kind]
	files, root, err := write(dir, fmt.Sprintf("%s/%s/%s-%s", folder, dump, dump, task), func(yield func(T, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}, nil)
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	e := expected{Path: files[0].Path, Kind: kind, Rows: files[0].Rows, Root: root.String(), Footer: files[0].Footer.Offset}
	first := 0
	for i, g := range files[0].RowGroups {
		e.Groups, e.Lengths = append(e.Groups, g.Rows), append(e.Lengths, g.Length)
		for _, at := range []int{first, first + int(g.Rows)/2, first + int(g.Rows) - 1} {
			e.Points = append(e.Points, pointAt(t, rows, at, i))
		}
		first += int(g.Rows)
	}
	return e
}

func pointAt[T interface{ Canonical() []any }](t *testing.T, rows []T, position, group int) point {
	t.Helper()
	cells := rows[position].Canonical()
	raw, err := canon.Marshal(cells)
	if err != nil {
		t.Fatal(err)
	}
	id, ok := cells[1].(string) // of a shard
	if !ok {
		id = cells[3].(string)
	}
	return point{Position: position, Group: group, ID: id, Row: string(raw)}
}

// oddRows are short rows with what readers may stumble over.
func oddRows() []contract.Row {
	texts := []string{
		"", " ", "plain", "line\nline\r\ttab", "nul \x00 and \x7f", "\"quoted\" \\ back", "é à ü ß", "日本語のテキスト", "العربية עברית",
		"family \U0001F468\u200D\U0001F469\u200D\U0001F467", "\u2028\u2029\uFEFF\uFFFD", "<html>&amp;", strings.Repeat("long ", 60_000),
	}
	floats := []float64{0, 1, 0.1, math.SmallestNonzeroFloat64, math.MaxFloat64, -1.5, 1 - 1e-16}
	var rows []contract.Row
	for i, text := range texts {
		rows = append(rows, contract.Row{
			Text: text, ID: fmt.Sprintf("<urn:uuid:00000000-0000-4000-8000-%012d>", i), Dump: dump,
			URL: "https://example.org/" + fmt.Sprint(i), Date: "2024-04-12T06:00:00Z",
			FilePath: "s3://commoncrawl/crawl-data/" + dump + "/warc/a.warc.gz", Language: []string{"en", "de", ""}[i%3],
			LanguageScore: floats[i%len(floats)], TokenCount: int64(i) * (1<<53 - 1) / 12, WARCOffset: int64(i) - 1, WARCLength: int32(i) * math.MaxInt32 / 12,
		})
	}
	return rows
}

// largeRows fill three row groups; the last one is one row of 33 MiB.
func largeRows() []contract.Row {
	random := rand.New(rand.NewPCG(5, 1))
	var rows []contract.Row
	for i := range 500 {
		rows = append(rows, contract.Row{
			Text: letters(random, 100<<10), ID: fmt.Sprintf("<urn:uuid:%016x-%d>", random.Uint64(), i), Dump: dump,
			URL: fmt.Sprintf("https://example.org/%d", random.Uint64()), Date: "2024-04-12T06:00:00Z", FilePath: "s3://commoncrawl/a.warc.gz",
			Language: "en", LanguageScore: random.Float64(), TokenCount: random.Int64N(1 << 40), WARCOffset: int64(i) * 30_000, WARCLength: 29_000,
		})
	}
	return append(rows, contract.Row{Text: strings.Repeat("word ", 33<<20/5), ID: "<urn:uuid:large>", Dump: dump, WARCOffset: 1 << 40})
}

func letters(random *rand.Rand, count int) string {
	b := make([]byte, count)
	for i := range b {
		b[i] = "etaoin shrdlucmf"[random.UintN(16)]
	}
	return string(b)
}

// ledgerRows alternate outcomes; most documents have band keys. Their ids are long,
// so that 58,000 fill a row group.
func ledgerRows(count int) []contract.LedgerRow {
	random := rand.New(rand.NewPCG(5, 2))
	padding := strings.Repeat("-", 370)
	rows := make([]contract.LedgerRow, count)
	for i := range rows {
		r := contract.LedgerRow{
			File: int32(i / 1000), Offset: int64(i) * 2000, Length: 1000 + int64(random.IntN(1000)),
			ID:      fmt.Sprintf("<urn:uuid:%016x-%d%s>", random.Uint64(), i, padding),
			Outcome: "quality", Reason: "short_lines", Value: random.Float64(), Language: "en", LanguageScore: random.Float64(),
			Characters: random.Int64N(1 << 20), KeptFile: contract.NoKeeper, KeptOffset: contract.NoKeeper,
		}
		if i%10 > 0 {
			r.Outcome, r.Reason, r.Value = contract.OutcomeKept, "", 0
			for range contract.Bands {
				r.BandKeys = append(r.BandKeys, random.Uint64())
			}
			r.KeptFile, r.KeptOffset = r.File, r.Offset
		}
		rows[i] = r
	}
	return rows
}
