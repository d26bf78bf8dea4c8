package miner

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/assets"
	"finest/pipeline/recipes"
)

//go:embed card.md.tmpl
var cardText string

// cardData is what the card's template shows.
type cardData struct {
	Repo, Title string
	// Languages are ISO 639 codes, Shares the same in words.
	Languages []string
	Shares    string
	Size      string // as the Hub has it; empty if not all is counted
	Configs   []cardConfig
	// NewestConfig is that of the newest crawl, if it has one.
	NewestConfig string
	Crawls       []cardCrawl
	All          amount
	HasTokens    bool
	// Tasks are those of the log, Uncounted those among them that Sums lack.
	Tasks, Uncounted int64
	Sums             totals
	// Dropped are pages by step, Kept and Judged their numbers.
	Dropped      []contract.Count
	Kept, Judged int64
	Spans        string
	Recipe       contract.Recipe
	RecipeHash   string
	RecipeText   string
	Steps        string
	RemovesPII   bool
	Notices      []assets.Notice
	Example      string // path of a shard
}

// cardConfig is what datasets and the Hub's viewer call a subset.
type cardConfig struct{ Name, Path string }

type cardCrawl struct {
	Name string
	amount
	// Counted says that something is known but the number of tasks.
	Counted bool
}

// card writes the dataset card of a publication: a function of its log, whose
// sums are given, and of the newest manifest. The alphabets of names in contracts
// hold nothing that Markdown would take for markup; in YAML they are quoted all
// the same, as a crawl may be called 2024 and a language no.
func card(repo string, lines []contract.LogLine, sums totals, newest contract.Manifest) ([]byte, error) {
	d := cardData{
		Repo: repo, Title: repo[strings.IndexByte(repo, '/')+1:] + ": Common Crawl, refined", Sums: sums, All: sums.all(),
		Recipe: newest.Recipe, Notices: assets.Notices(newest.Recipe),
	}
	d.describeCrawls(lines, newest.Dump)
	d.describeLanguages()
	d.describeFunnel()
	if err := d.describeRecipe(); err != nil {
		return nil, err
	}
	if shards := newest.Shards(); len(shards) > 0 {
		d.Example = shards[0].Path
	}
	t, err := template.New("card").Funcs(template.FuncMap{
		"quote": strconv.Quote, "number": number, "size": size, "percent": percent, "code": code, "codes": codes,
	}).Parse(cardText)
	if err != nil {
		return nil, fmt.Errorf("write the dataset card: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, d); err != nil {
		return nil, fmt.Errorf("write the dataset card: %w", err)
	}
	return out.Bytes(), nil
}

// describeCrawls lists the crawls of the log and the subsets for them. A crawl of
// which nothing is kept has no subset, as one without files cannot be loaded.
func (d *cardData) describeCrawls(lines []contract.LogLine, newest string) {
	tasks := make(map[string]map[string]bool) // by crawl
	for _, line := range lines {
		crawl := line.Task[:strings.LastIndexByte(line.Task, '-')]
		if tasks[crawl] == nil {
			tasks[crawl] = make(map[string]bool)
		}
		tasks[crawl][line.Task] = true
	}
	for _, crawl := range slices.Sorted(maps.Keys(tasks)) {
		sum := d.Sums.Crawls[crawl]
		done := int64(len(tasks[crawl]))
		d.Tasks += done
		if sum.Documents > 0 || sum.Tasks < done {
			d.Configs = append(d.Configs, cardConfig{crawl, "data/" + crawl + "/*.parquet"})
			if crawl == newest {
				d.NewestConfig = crawl
			}
		}
		counted := sum.Tasks > 0
		sum.Tasks = done
		d.Crawls = append(d.Crawls, cardCrawl{crawl, sum, counted})
	}
	if len(d.Configs) > 0 {
		d.Configs = slices.DeleteFunc(d.Configs, func(c cardConfig) bool { return c.Name == defaultConfig })
		d.Configs = slices.Insert(d.Configs, 0, cardConfig{defaultConfig, "data/*/*.parquet"})
	}
	d.Uncounted = max(0, d.Tasks-d.Sums.Tasks)
	d.All.Tasks = d.Tasks
	d.HasTokens = d.All.Tokens > 0
	if d.Uncounted == 0 {
		d.Size = sizeCategory(d.All.Documents)
	}
}

// defaultConfig is the subset that is loaded where none is named.
const defaultConfig = "default"

// sizeCategories are the Hub's words for numbers of rows.
var sizeCategories = [...]string{
	"n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B", "10B<n<100B", "100B<n<1T",
}

func sizeCategory(rows int64) string {
	limit := int64(1000)
	for _, category := range sizeCategories {
		if rows < limit {
			return category
		}
		limit *= 10
	}
	return "n>1T"
}

// iso639 is the form of the codes that the Hub takes for languages.
var iso639 = regexp.MustCompile(`^[a-z]{2,3}$`)

const (
	// A language counts as one of the dataset from one document in a thousand on.
	languageShare = 1000
	// maxShares are spelled out.
	maxShares = 10
)

func (d *cardData) describeLanguages() {
	var all int64
	for _, n := range d.Sums.Languages {
		all += n
	}
	var found []string
	for language, n := range d.Sums.Languages {
		if n > 0 && n >= (all+languageShare-1)/languageShare && iso639.MatchString(language) {
			found = append(found, language)
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		return cmp.Or(cmp.Compare(d.Sums.Languages[b], d.Sums.Languages[a]), strings.Compare(a, b))
	})
	d.Languages = slices.Sorted(slices.Values(found))
	var shares []string
	for _, language := range found[:min(len(found), maxShares)] {
		shares = append(shares, fmt.Sprintf("`%s` %s", language, percent(d.Sums.Languages[language], all)))
	}
	d.Shares = strings.Join(shares, ", ")
}

// describeFunnel sorts what became of the pages in the order of the recipe.
// Steps that only earlier recipes had come after it.
func (d *cardData) describeFunnel() {
	place := make(map[string]int, len(d.Recipe.Stages))
	for i, s := range d.Recipe.Stages {
		place[s.Name] = i + 1
	}
	var spans []string
	for _, c := range d.Sums.Counts {
		switch {
		case c.Outcome == contract.OutcomeKept:
			d.Kept += c.Rows
		case !(contract.LedgerRow{Outcome: c.Outcome}).IsPage():
			spans = append(spans, strings.TrimSpace(fmt.Sprintf("%s %s %s", number(c.Rows), code(c.Outcome), code(c.Reason))))
			continue
		default:
			d.Dropped = append(d.Dropped, c)
		}
		d.Judged += c.Rows
	}
	d.Spans = strings.Join(spans, ", ")
	last := len(d.Recipe.Stages) + 1
	slices.SortStableFunc(d.Dropped, func(a, b contract.Count) int {
		return cmp.Compare(cmp.Or(place[a.Outcome], last), cmp.Or(place[b.Outcome], last))
	})
}

// stagePII is the stage that replaces personal data.
const stagePII = "pii"

func (d *cardData) describeRecipe() error {
	var text strings.Builder
	if err := recipes.Print(&text, d.Recipe); err != nil {
		return fmt.Errorf("write the dataset card: %w", err)
	}
	d.RecipeText = text.String()
	var err error
	if d.RecipeHash, err = pipeline.HashRecipe(d.Recipe); err != nil {
		return fmt.Errorf("write the dataset card: %w", err)
	}
	names := make([]string, len(d.Recipe.Stages))
	for i, s := range d.Recipe.Stages {
		names[i] = s.Name
		if s.Name == stagePII {
			d.RemovesPII = s.Params["emails"] == "true" && s.Params["ips"] == "true"
		}
	}
	d.Steps = codes(names)
	return nil
}

// number writes digits in groups of three.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes a number of bytes in powers of ten.
func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1000, 0
	for ; value >= 999.95; unit++ {
		value /= 1000
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTPE"[unit])
}

func percent(n, of int64) string {
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(max(of, 1)))
}

// code writes text as Markdown code in a cell of a table.
func code(text string) string {
	if text == "" {
		return ""
	}
	const most = 80
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '`':
			return '\''
		case r < ' ':
			return ' '
		}
		return r
	}, text[:min(len(text), most)])
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}

func codes(texts []string) string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = code(t)
	}
	return strings.Join(out, ", ")
}
