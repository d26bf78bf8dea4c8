package panel_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/panel"
	"finest/pipeline/assets"
)

// small is a panel of invented texts and items, one suite of each kind.
var small = panel.Definition{Name: "small", Suites: []panel.Suite{
	{Name: "notes", Kind: panel.Text, Format: panel.Lines, Files: []string{"notes.jsonl"}, Weight: 400},
	{Name: "quiz", Kind: panel.Choice, Format: panel.Lines, Files: []string{"quiz.jsonl"}, Weight: 300},
	{Name: "ends", Kind: panel.Cloze, Format: panel.Lines, Files: []string{"ends.jsonl"}, Weight: 300},
}}

var smallFiles = map[string]string{
	"notes.jsonl": `{"id":"a","url":"https://a.example/1","text":"The cat sat.\n"}
{"id":"b","url":"https://b.example/2","text":"A dog ran off."}`,
	"quiz.jsonl": `{"query":"Question: Which is wet?","choices":["sand","water","a stone"],"gold":1}
{"query":"Birds have","choices":["wings","wheels"],"gold":0}`,
	"ends.jsonl": `{"context":"The sun rises in the","continuation":"east"}`,
}

func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t testing.TB, d panel.Definition, files map[string]string) *panel.Panel {
	t.Helper()
	p, err := panel.Load(folder(t, files), d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func seed(name string) eval.Seed { return eval.Seed{}.Sub(name) }

func TestBuiltInDefinitions(t *testing.T) {
	for _, size := range []panel.Size{panel.Quick, panel.CPU, panel.Long, panel.GPU} {
		for _, d := range []panel.Definition{panel.Public(size), panel.Window(size)} {
			if err := d.Validate(); err != nil {
				t.Error(err)
			}
			var items int
			for _, s := range d.Suites {
				if s.Kind == panel.Choice {
					items += s.Weight
				}
				for _, name := range s.Files {
					if _, err := assets.Named(name); err != nil {
						t.Errorf("%s: %v", d.Name, err)
					}
				}
			}
			if want := map[bool]int{false: 200, true: 450}[size == panel.GPU]; items != want {
				t.Errorf("%s: items weigh %d, want %d", d.Name, items, want)
			}
		}
	}
}

func TestPanelHasTheFilesOfTheCatalogue(t *testing.T) {
	var used, catalogue []string
	for _, s := range panel.Public(panel.CPU).Suites {
		used = append(used, s.Files...)
	}
	for _, a := range assets.Panel() {
		catalogue = append(catalogue, a.Name)
	}
	slices.Sort(used)
	slices.Sort(catalogue)
	if !slices.Equal(used, catalogue) {
		t.Errorf("suites read %q, the catalogue has %q", used, catalogue)
	}
}

func TestValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(*panel.Definition)
		want  string
	}{
		"no name":          {func(d *panel.Definition) { d.Name = "" }, "want a name"},
		"no suites":        {func(d *panel.Definition) { d.Suites = nil }, "0 suites"},
		"weights":          {func(d *panel.Definition) { d.Suites[0].Weight = 401 }, "1001 thousandths"},
		"negative weight":  {func(d *panel.Definition) { d.Suites[0].Weight, d.Suites[1].Weight = -300, 1000 }, "not below 0"},
		"negative bound":   {func(d *panel.Definition) { d.Suites[0].Units = -1 }, "not below 0"},
		"twice":            {func(d *panel.Definition) { d.Suites[1].Name = "notes" }, "two suites"},
		"nameless suite":   {func(d *panel.Definition) { d.Suites[1].Name = "" }, "no name"},
		"kind":             {func(d *panel.Definition) { d.Suites[1].Kind = "essay" }, `unknown kind "essay"`},
		"format":           {func(d *panel.Definition) { d.Suites[1].Format = panel.Books }, "no choice is read"},
		"format, no files": {func(d *panel.Definition) { d.Suites[1].Files = nil }, "no files"},
		"heavy crawl": {func(d *panel.Definition) {
			d.Suites[0] = panel.Suite{Name: panel.SuiteCrawl, Kind: panel.Text, Weight: 301}
			d.Suites[1].Weight = 399
		}, "may weigh 300"},
	} {
		d := small
		d.Suites = slices.Clone(small.Suites)
		tc.spoil(&d)
		if err := d.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
		if _, err := panel.Load(t.TempDir(), d); err == nil {
			t.Errorf("%s: it loads", name)
		}
	}
}

func TestParseDefinition(t *testing.T) {
	const text = `
name = "mine"
[[suites]]
name = "notes"
kind = "text"
format = "lines"
files = ["notes.jsonl"]
bytes = 4096
weight = 1000
`
	d, err := panel.ParseDefinition([]byte(text))
	if err != nil || d.Name != "mine" || len(d.Suites) != 1 || d.Suites[0].Kind != panel.Text || d.Suites[0].Bytes != 4096 {
		t.Errorf("%+v, error %v", d, err)
	}
	for name, tc := range map[string][2]string{
		"unknown key": {text + "color = 1", `unknown key ["suites" "color"]`}, "no TOML": {"name", "read panel definition"},
		"weights": {strings.Replace(text, "1000", "999", 1), "999 thousandths"},
	} {
		if _, err := panel.ParseDefinition([]byte(tc[0])); err == nil || !strings.Contains(err.Error(), tc[1]) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestLoadSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	_, err := panel.Load(dir, panel.Public(panel.Quick))
	var missing *panel.MissingError
	if !errors.As(err, &missing) || len(missing.Files) != len(assets.Panel()) {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{assets.PanelPages, "`finest assets pull --panel --assets " + dir + "`"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want it to name %s", err, want)
		}
	}
	_, err = panel.Load(folder(t, map[string]string{"notes.jsonl": smallFiles["notes.jsonl"]}), small)
	if !errors.As(err, &missing) || !slices.Equal(missing.Files, []string{"quiz.jsonl", "ends.jsonl"}) || strings.Contains(err.Error(), "finest assets") {
		t.Errorf("error %v, want only the files that nothing gets", err)
	}
}

func TestLoadRefusesOtherFiles(t *testing.T) {
	d := panel.Definition{Name: "x", Suites: []panel.Suite{
		{Name: "arc", Kind: panel.Choice, Format: panel.Lines, Files: []string{assets.PanelArcEasy}, Weight: 1000},
	}}
	if _, err := panel.Load(folder(t, map[string]string{assets.PanelArcEasy: smallFiles["quiz.jsonl"]}), d); !errors.Is(err, assets.ErrContent) {
		t.Errorf("a file that is not the pinned one: error %v", err)
	}
	d.Suites[0].Files[0] = "../quiz.jsonl"
	if _, err := panel.Load(t.TempDir(), d); err == nil || !strings.Contains(err.Error(), "no file name") {
		t.Errorf("error %v", err)
	}
	d.Suites[0].Files[0] = "folder"
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := panel.Load(dir, d); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("error %v", err)
	}
}

func TestHashNamesAllOfThePanel(t *testing.T) {
	crawl := small
	crawl.Suites = append(slices.Clone(small.Suites), panel.Suite{Name: panel.SuiteCrawl, Kind: panel.Text})
	base := load(t, crawl, smallFiles)
	hashes := map[string]string{base.Hash(): "base"}
	add := func(name string, p *panel.Panel, err error) *panel.Panel {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := hashes[p.Hash()]; ok {
			t.Errorf("%s has the hash of %s", name, other)
		}
		hashes[p.Hash()] = name
		return p
	}
	other := map[string]string{"notes.jsonl": smallFiles["notes.jsonl"] + "\n", "quiz.jsonl": smallFiles["quiz.jsonl"], "ends.jsonl": smallFiles["ends.jsonl"]}
	add("a byte more", load(t, crawl, other), nil)
	renamed := crawl
	renamed.Name = "renamed"
	add("another definition", load(t, renamed, smallFiles), nil)
	units := []panel.Unit{{ID: "1", URL: "https://c.example/", Text: "A page."}}
	with, err := base.With(panel.SuiteCrawl, units)
	add("units handed in", with, err)
	units[0].Text = "Another page."
	changed, err := base.With(panel.SuiteCrawl, units)
	add("other units", changed, err)
	if again := load(t, crawl, smallFiles); again.Hash() != base.Hash() || again.Draw(seed("x")).Hash() != base.Hash() {
		t.Error("the same panel, or a draw of it, has another hash")
	}
	for source, text := range with.Texts() {
		if source == panel.SuiteCrawl+"/1" && text != "A page." {
			t.Errorf("a unit that was handed in is changed from outside to %q", text)
		}
	}
}

func TestWithRefuses(t *testing.T) {
	crawl := small
	crawl.Suites = append(slices.Clone(small.Suites), panel.Suite{Name: panel.SuiteCrawl, Kind: panel.Text})
	p := load(t, crawl, smallFiles)
	page := panel.Unit{ID: "1", Text: "A page."}
	for name, tc := range map[string]struct {
		suite string
		units []panel.Unit
		want  string
	}{
		"no such suite":    {"web", []panel.Unit{page}, "no suite"},
		"suite with files": {"notes", []panel.Unit{page}, "no suite"},
		"same ID":          {panel.SuiteCrawl, []panel.Unit{page, page}, "two units"},
		"no ID":            {panel.SuiteCrawl, []panel.Unit{{Text: "x"}}, "empty"},
		"no text":          {panel.SuiteCrawl, []panel.Unit{{ID: "1", Text: " \n"}}, "no text"},
		"no UTF-8":         {panel.SuiteCrawl, []panel.Unit{{ID: "1", Text: "\xff"}}, "no UTF-8"},
		"choices":          {panel.SuiteCrawl, []panel.Unit{{ID: "1", Text: "x", Choices: []string{"a"}}}, "1 choices"},
		"too long":         {panel.SuiteCrawl, []panel.Unit{{ID: "1", Text: strings.Repeat("x", 4<<20+1)}}, "bytes"},
	} {
		if _, err := p.With(tc.suite, tc.units); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	var missing *panel.MissingError
	if _, err := p.Plan(letters{}, 8); !errors.As(err, &missing) || !slices.Equal(missing.Suites, []string{panel.SuiteCrawl}) {
		t.Errorf("a plan without the crawl: error %v", err)
	}
}

func TestTexts(t *testing.T) {
	var got []string
	for source, text := range load(t, small, smallFiles).Draw(seed("x")).Texts() {
		got = append(got, source+": "+text)
	}
	want := []string{
		"notes/a: The cat sat.", "notes/b: A dog ran off.",
		"quiz/1: Which is wet?", "quiz/1: Which is wet? sand", "quiz/1: Which is wet?\nAnswer: sand",
		"quiz/1: Which is wet? water", "quiz/1: Which is wet?\nAnswer: water", "quiz/1: Which is wet? a stone", "quiz/1: Which is wet?\nAnswer: a stone",
		"quiz/2: Birds have", "quiz/2: Birds have wings", "quiz/2: Birds have wheels", "ends/1: The sun rises in the east",
	}
	if !slices.Equal(got, want) {
		t.Errorf("texts %q\nwant %q", got, want)
	}
	for range load(t, small, smallFiles).Texts() {
		break // stops at once
	}
}

func TestDraw(t *testing.T) {
	var notes []string
	for i := range 40 {
		notes = append(notes, fmt.Sprintf(`{"id":"%d","url":"https://host%d.example/%d","text":"text number %d"}`, i, i%10, i, i))
	}
	files := map[string]string{"notes.jsonl": strings.Join(notes, "\n"), "quiz.jsonl": smallFiles["quiz.jsonl"], "ends.jsonl": smallFiles["ends.jsonl"]}
	drawn := func(units int, size int64, s string) []panel.UnitResult {
		d := small
		d.Suites = slices.Clone(small.Suites)
		d.Suites[0].Units, d.Suites[0].Bytes = units, size
		plan, err := load(t, d, files).Draw(seed(s)).Plan(letters{}, 64)
		if err != nil {
			t.Fatal(err)
		}
		results, err := plan.Results(scores(plan, 1))
		if err != nil {
			t.Fatal(err)
		}
		return results[0].Units
	}
	for _, tc := range []struct {
		units, want int
		bytes       int64
	}{{0, 20, 0}, {5, 5, 0}, {15, 15, 0}, {0, 4, 50}, {3, 3, 50}, {0, 1, 1}, {100, 20, 0}} {
		units := drawn(tc.units, tc.bytes, "a")
		if len(units) != tc.want {
			t.Errorf("units %d, bytes %d: %d drawn, want %d", tc.units, tc.bytes, len(units), tc.want)
		}
		hosts := make(map[string]int)
		seen := make(map[string]bool)
		for i, u := range units {
			host := u.ID[len(u.ID)-1:]
			if hosts[host]++; hosts[host] > 1+i/10 || seen[u.ID] {
				t.Errorf("unit %d is number %d of its host, or drawn twice", i, hosts[host])
			}
			seen[u.ID] = true
		}
	}
	same := func(a, b []panel.UnitResult) bool {
		return slices.EqualFunc(a, b, func(x, y panel.UnitResult) bool { return x.ID == y.ID })
	}
	if !same(drawn(5, 0, "a"), drawn(5, 0, "a")) || same(drawn(5, 0, "a"), drawn(5, 0, "b")) {
		t.Error("a draw does not follow from its seed alone")
	}
}

func TestHostOf(t *testing.T) {
	for raw, want := range map[string]string{
		"": "", "https://www.Example.com/a?b#c": "example.com", "http://user:pass@a.b:8080/": "a.b", "no address": "",
		"https://[::1]:80/": "::1", "http://%zz": "", "https://" + strings.Repeat("a", 300) + "/": "", "//www.x.org": "x.org",
	} {
		if got := panel.HostOf(raw); got != want {
			t.Errorf("host of %.40q is %q, want %q", raw, got, want)
		}
	}
}
