package miner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"finest/internal/contract"
)

// card writes the dataset card of a publication: a function of its log and the
// newest manifest. The alphabets of names in contracts hold nothing that
// Markdown would take for markup; in YAML they are quoted all the same, as a
// crawl may be called 2024.
func card(repo string, lines []contract.LogLine, newest contract.Manifest) []byte {
	tasks := make(map[string]int) // by crawl
	for _, line := range lines {
		tasks[line.Task[:strings.LastIndexByte(line.Task, '-')]]++
	}
	crawls := slices.Sorted(maps.Keys(tasks))

	var b strings.Builder
	b.WriteString("---\nlicense: odc-by\ntask_categories:\n- text-generation\ntags:\n- finest\n- common-crawl\nconfigs:\n")
	b.WriteString("- config_name: \"default\"\n  data_files: \"data/*/*.parquet\"\n")
	for _, crawl := range crawls {
		fmt.Fprintf(&b, "- config_name: %q\n  data_files: \"data/%s/*.parquet\"\n", crawl, crawl)
	}
	fmt.Fprintf(&b, "---\n\n# %s\n\n", repo)
	b.WriteString(`Web text for pretraining, refined from Common Crawl with finest, in the columns of FineWeb.
Every row names the bytes of the crawl that it comes from, and the ledger says what became of every other page.

| crawl | tasks |
|---|---:|
`)
	for _, crawl := range crawls {
		fmt.Fprintf(&b, "| %s | %d |\n", crawl, tasks[crawl])
	}
	writeFunnel(&b, newest)
	writeRecipe(&b, newest.Recipe, newest.Receipt)
	writeHowTo(&b, repo, newest)
	b.WriteString(`
## License

The data set is released under the [Open Data Commons Attribution License (ODC-By) 1.0](https://opendatacommons.org/licenses/by/1-0/).
Its use is also subject to the [terms of use of Common Crawl](https://commoncrawl.org/terms-of-use).
`)
	return []byte(b.String())
}

// writeFunnel tables what became of the pages of one task, in the order of the
// recipe.
func writeFunnel(b *strings.Builder, m contract.Manifest) {
	place := make(map[string]int, len(m.Recipe.Stages))
	for i, s := range m.Recipe.Stages {
		place[s.Name] = i
	}
	last := len(m.Recipe.Stages)
	place[contract.OutcomeKept], place[contract.OutcomeSkipped] = last, last+1
	place[contract.OutcomeDamaged], place[contract.OutcomeNoRanges] = last+2, last+3
	counts := slices.Clone(m.Counts)
	slices.SortStableFunc(counts, func(x, y contract.Count) int { return cmp.Compare(place[x.Outcome], place[y.Outcome]) })

	var pages int64
	for _, in := range m.Inputs {
		pages += in.Pages
	}
	fmt.Fprintf(b, "\n## What became of the pages\n\nIn the newest task, %s: %d HTML pages in %d WARC files.\n\n", m.Task, pages, len(m.Inputs))
	b.WriteString("| outcome | reason | rows of the ledger |\n|---|---|---:|\n")
	for _, c := range counts {
		fmt.Fprintf(b, "| %s | %s | %d |\n", c.Outcome, c.Reason, c.Rows)
	}
	b.WriteString("\n`skipped`, `damaged` and `no_ranges` are spans of a file without readable pages; any other outcome but `kept` is the stage\nthat dropped the page.\n")
}

func writeRecipe(b *strings.Builder, r contract.Recipe, receipt *contract.Receipt) {
	names := make([]string, len(r.Stages))
	for i, s := range r.Stages {
		names[i] = s.Name
	}
	fmt.Fprintf(b, "\n## Recipe\n\n`%s`, pipeline version %d: %s.\n", r.Name, r.PipelineVersion, strings.Join(names, ", "))
	if receipt != nil {
		fmt.Fprintf(b, "Its SHA-256 is `%s`; the manifest spells out all parameters and assets.\n", receipt.Recipe.Hash)
	}
}

func writeHowTo(b *strings.Builder, repo string, m contract.Manifest) {
	shard := "SHARD"
	if shards := m.Shards(); len(shards) > 0 {
		shard = shards[0].Path
	}
	fmt.Fprintf(b, `
## Verify a row

`+"`tasks/TASK/manifest.json`"+` is signed and lists every file with its hash; `+"`log.jsonl`"+` names every manifest, and the SHA-256 of the log
stands on chain. To recompute a row from the crawl, download its shard and run

    finest verify %s:0

which reads the row's WARC record by its range and compares all columns. To check a whole claim:

    finest inspect-commit %s@COMMIT
`, shard, repo)
}
