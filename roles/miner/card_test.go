package miner_test

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline/recipes"
	"finest/roles/miner"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func logOf(tasks ...string) (lines []contract.LogLine) {
	for _, task := range tasks {
		lines = append(lines, contract.LogLine{Task: task, Generation: 1, Manifest: canon.Sum([]byte(task))})
	}
	return lines
}

// manifestOf is what is left of a task that kept so many documents.
func manifestOf(t testing.TB, task string, documents int64) contract.Manifest {
	t.Helper()
	recipe, err := recipes.Named(recipes.FineWeb)
	if err != nil {
		t.Fatal(err)
	}
	dump := task[:strings.LastIndexByte(task, '-')]
	m := contract.Manifest{
		Version: 1, PipelineVersion: recipe.PipelineVersion, Task: task, Dump: dump, Recipe: recipe,
		Inputs: []contract.Input{{Path: "a", Bytes: 1_000_000_000, Pages: 40_000}, {Path: "b", Bytes: 200_000_000, Pages: 2_000}},
		Counts: []contract.Count{
			{Outcome: "damaged", Reason: "gzip_data", Rows: 1}, {Outcome: "extract", Reason: "empty", Rows: 9_000},
			{Outcome: "language", Reason: "language", Rows: 20_000}, {Outcome: "minhash", Reason: "duplicate", Rows: 2_000},
			{Outcome: "skipped", Rows: 3},
		},
	}
	if documents > 0 {
		m.Files = []contract.OutputFile{{Path: contract.ShardPath(dump, task, 0), Rows: documents}}
		m.Counts = slices.Insert(m.Counts, 2, contract.Count{Outcome: contract.OutcomeKept, Rows: documents})
	}
	return m
}

func writeCard(t testing.TB, lines []contract.LogLine, sums miner.Totals, newest contract.Manifest) string {
	t.Helper()
	got, err := miner.Card("owner/data", lines, sums, newest)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestCard(t *testing.T) {
	t.Parallel()
	older, newest := manifestOf(t, "CC-MAIN-2024-10-000017", 9_000), manifestOf(t, "CC-MAIN-2024-18-000003", 11_000)
	sums := miner.Totals{}.
		With(older, miner.Summary{Tokens: 5_432_109, TextBytes: 23_456_789, Languages: map[string]int64{"en": 9_000}}).
		With(newest, miner.Summary{Tokens: 7_654_321, TextBytes: 34_567_890, Languages: map[string]int64{"en": 10_960, "no": 40}})
	got := writeCard(t, logOf(older.Task, newest.Task), sums, newest)
	golden := filepath.Join("testdata", "card.md")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("card differs from %s; -update rewrites it", golden)
	}
	for _, column := range contract.RowColumns() {
		if !strings.Contains(got, "`"+column+"`") {
			t.Errorf("column %s is not explained", column)
		}
	}
}

// What a card says where something is missing.
func TestCardOfOddRepositories(t *testing.T) {
	t.Parallel()
	kept, empty := manifestOf(t, "CC-A-000001", 1_000), manifestOf(t, "CC-B-000002", 0)
	odd := kept
	odd.Counts = []contract.Count{{Outcome: "older|step", Reason: "< 3 `words`\n", Rows: 5}}
	en := miner.Summary{Languages: map[string]int64{"en": 1_000, "nb": 1, "zh-min-nan": 900}}
	for name, tt := range map[string]struct {
		lines   []contract.LogLine
		sums    miner.Totals
		newest  contract.Manifest
		do, not []string // are in it, are not
	}{
		"no sums of an earlier task": {
			lines: logOf("CC-Z-000001", kept.Task), sums: miner.Totals{}.With(kept, en), newest: kept,
			do:  []string{"| CC-Z | 1 | – | – |", "leave out 1 of 2 tasks", `config_name: "CC-Z"`},
			not: []string{"| CC-Z | 1 | 0 |", "size_categories"},
		},
		"no tokens counted": {
			lines: logOf(kept.Task), sums: miner.Totals{}.With(kept, en), newest: kept,
			do:  []string{"| crawl | tasks | documents | text |\n|---|---:|---:|---:|\n| CC-A | 1 | 1,000 | 0 B |"},
			not: []string{"leave out", "| tokens |", "**all**"},
		},
		"a language of few documents, and one without a code": {
			lines: logOf(kept.Task), sums: miner.Totals{}.With(kept, en), newest: kept,
			do: []string{"language:\n- \"en\"\nsize"}, not: []string{`"nb"`, "zh-min-nan"},
		},
		"a crawl of which nothing is kept": {
			lines: logOf(kept.Task, empty.Task), sums: miner.Totals{}.With(kept, en).With(empty, miner.Summary{}), newest: empty,
			do:  []string{"| CC-B | 1 | 0 |", `config_name: "default"`, "verify owner/data@main:data/CRAWL/TASK-NNNNN.parquet:ROW"},
			not: []string{`config_name: "CC-B"`, `name="CC-`},
		},
		"nothing kept at all": {
			lines: logOf(empty.Task), sums: miner.Totals{}.With(empty, miner.Summary{}), newest: empty,
			do: []string{"viewer: false", "n<1K"}, not: []string{"configs:", "language:", "Languages:"},
		},
		"a task that an older recipe did": {
			lines: logOf(kept.Task), sums: miner.Totals{}.With(kept, en).With(odd, en), newest: kept,
			do: []string{"| `minhash` | `duplicate` | 2,000 |", "|\n| `older\\|step` | `< 3 'words' ` | 5 | 0.0 % |\n| **kept**"},
		},
		"a crawl that is called default": {
			lines: logOf("default-000001"), sums: miner.Totals{}.With(manifestOf(t, "default-000001", 1), en), newest: kept,
			do: []string{`path: "data/*/*.parquet"` + "\n---"}, not: []string{"data/default/*"},
		},
	} {
		got := writeCard(t, tt.lines, tt.sums, tt.newest)
		for _, text := range tt.do {
			if !strings.Contains(got, text) {
				t.Errorf("%s: the card lacks %q", name, text)
			}
		}
		for _, text := range tt.not {
			if strings.Contains(got, text) {
				t.Errorf("%s: the card has %q", name, text)
			}
		}
	}
}

// frontMatter reads the part of YAML that the Hub's documentation shows for
// cards: scalars, lists of scalars, and lists of mappings one level down. What
// else a reader of YAML might take for something is an error.
func frontMatter(t rapid.TB, card string) map[string]any {
	t.Helper()
	head, _, ok := strings.Cut(strings.TrimPrefix(card, "---\n"), "\n---\n")
	if !ok || !strings.HasPrefix(card, "---\n") {
		t.Fatalf("the card has no front matter:\n%s", card)
	}
	out := map[string]any{}
	var key string
	for line := range strings.SplitSeq(head, "\n") {
		text := strings.TrimLeft(line, " ")
		depth := len(line) - len(text)
		text, item := strings.CutPrefix(text, "- ")
		name, value, pair := strings.Cut(text, ":")
		list, _ := out[key].([]any)
		switch {
		case depth == 0 && !item && pair:
			key = name
			out[key] = []any(nil)
			if value != "" {
				out[key] = scalar(t, value[1:])
			}
		case depth == 0 && item && !strings.Contains(text, ": "):
			out[key] = append(list, scalar(t, text))
		case depth == 0 && item && pair:
			out[key] = append(list, map[string]string{name: scalar(t, value[1:])})
		case depth == 2 && name == "data_files" && value == "":
		case depth == 2 && item && name == "split", depth == 4 && name == "path":
			list[len(list)-1].(map[string]string)[name] = scalar(t, value[1:])
		default:
			t.Fatalf("line %q is nothing that a card has", line)
		}
	}
	return out
}

// scalar reads a quoted text, or a word that no version of YAML takes for
// anything but text.
func scalar(t rapid.TB, s string) string {
	t.Helper()
	if text, err := strconv.Unquote(s); err == nil && s[0] == '"' {
		return text
	}
	if !slices.Contains([]string{"odc-by", "text-generation", "finest", "common-crawl", "pretraining", "train", "false"}, s) {
		t.Fatalf("unquoted scalar %q", s)
	}
	return s
}

// Whatever crawls and languages are called, the front matter says just that.
func TestCardFrontMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		crawl := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,10}|null|true|1e3|0x1F|2024|2024-10-01|no|default`)
		crawls := rapid.SliceOfNDistinct(crawl, 1, 4, rapid.ID).Draw(t, "crawls")
		languages := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"no", "en", "on", "nan", "de", "y"}), 1, 4, rapid.ID).Draw(t, "languages")
		var lines []contract.LogLine
		var sums miner.Totals
		var newest contract.Manifest
		for i, crawl := range crawls {
			newest = contract.Manifest{
				Task: contract.TaskID(crawl, i), Dump: crawl, Recipe: contract.Recipe{Name: "r", PipelineVersion: 1},
				Files: []contract.OutputFile{{Path: contract.ShardPath(crawl, contract.TaskID(crawl, i), 0), Rows: 1}},
			}
			lines = append(lines, contract.LogLine{Task: newest.Task, Generation: 1, Manifest: canon.Sum(nil)})
			in := map[string]int64{}
			for _, language := range languages {
				in[language]++
			}
			sums = sums.With(newest, miner.Summary{Languages: in})
		}
		raw, err := miner.Card("owner/data", lines, sums, newest)
		if err != nil {
			t.Fatal(err)
		}
		got := frontMatter(t, string(raw))

		configs := []any{map[string]string{"config_name": "default", "split": "train", "path": "data/*/*.parquet"}}
		slices.Sort(crawls)
		for _, crawl := range crawls {
			if crawl != "default" {
				configs = append(configs, map[string]string{"config_name": crawl, "split": "train", "path": "data/" + crawl + "/*.parquet"})
			}
		}
		var codes []any
		slices.Sort(languages)
		for _, language := range languages {
			if language != "y" { // no code
				codes = append(codes, language)
			}
		}
		want := map[string]any{
			"pretty_name": "data: Common Crawl, refined", "license": "odc-by", "size_categories": []any{"n<1K"},
			"task_categories": []any{"text-generation"}, "tags": []any{"finest", "common-crawl", "pretraining"},
			"configs": configs, "language": codes,
		}
		if len(codes) == 0 {
			delete(want, "language")
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("front matter %v, want %v", got, want)
		}
	})
}

func TestSizeCategories(t *testing.T) {
	t.Parallel()
	for rows, want := range map[int64]string{
		0: "n<1K", 999: "n<1K", 1_000: "1K<n<10K", 999_999: "100K<n<1M", 1_000_000: "1M<n<10M", 5e9: "1B<n<10B", 5e11: "100B<n<1T", 1e12: "n>1T",
	} {
		m := manifestOf(t, "CC-A-000001", rows)
		if got := frontMatter(t, writeCard(t, logOf(m.Task), miner.Totals{}.With(m, miner.Summary{}), m))["size_categories"]; !reflect.DeepEqual(got, []any{want}) {
			t.Errorf("%d rows are of size %v, want %s", rows, got, want)
		}
	}
}
