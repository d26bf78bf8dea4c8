package panel_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"finest/eval/panel"
)

// one is a panel of one suite that is read from one file.
func one(kind panel.Kind, format panel.Format) panel.Definition {
	return panel.Definition{Name: "one", Suites: []panel.Suite{
		{Name: "s", Kind: kind, Format: format, Files: []string{"file"}, Weight: 1000},
	}}
}

// heldTexts are all texts of the only suite, by unit.
func heldTexts(p *panel.Panel) (list []string) {
	for source, text := range p.Texts() {
		list = append(list, strings.TrimPrefix(source, "s/")+": "+text)
	}
	return list
}

func TestFormats(t *testing.T) {
	for name, tc := range map[string]struct {
		kind    panel.Kind
		format  panel.Format
		content string
		want    []string
	}{
		"lines": {panel.Text, panel.Lines, `{"text":" first\n"}` + "\n" + `{"id":"x","text":"second","other":1}`, []string{"1: first", "x: second"}},
		"pages, of which one has no text": {
			panel.Text, panel.Pages,
			`{"file_id":"4011","url":"https://a.example/","ground_truth":{"title":"T","main_content":"Main.\n\nText."}}{"file_id":"4012","ground_truth":{"main_content":" "}}`,
			[]string{"4011: Main.\n\nText."},
		},
		"passages, each once": {
			panel.Text, panel.Passages,
			`{"query":"Passage: A ` + "``" + `b'' c--d.\nQuestion: is it?"}` + "\n" + `{"query":"Passage: A ` + "``" + `b'' c--d.\nQuestion: or not?"}` + "\n" +
				`{"query":"Passage: One\nQuestion: within?\nQuestion: more?"}`,
			[]string{`1: A "b" c–d.`, "3: One\nQuestion: within?"},
		},
		"book": {
			panel.Text, panel.Books,
			"\ufeffThe Project Gutenberg EBook\r\nlicence\r\n*** START OF THIS PROJECT GUTENBERG EBOOK X ***\r\n\r\nOne _two_\r\nthree.\r\n\r\n\r\n  Four\rfive.\r\n*** END OF THIS PROJECT GUTENBERG EBOOK X ***\r\nlicence",
			[]string{"1: One two three.\n\nFour five."},
		},
		"book without marks": {panel.Text, panel.Books, "One\ntwo.", []string{"1: One two."}},
		"items":              {panel.Choice, panel.Lines, `{"query":"Q","choices":["a","b"],"gold":1}`, []string{"1: Q", "1: Q a", "1: Q b"}},
		"cloze":              {panel.Cloze, panel.Lines, `{"context":"The","continuation":"end"}`, []string{"1: The end"}},
	} {
		if got := heldTexts(load(t, one(tc.kind, tc.format), map[string]string{"file": tc.content})); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestBooksAreCutAtParagraphs(t *testing.T) {
	var book strings.Builder
	for i := range 500 {
		fmt.Fprintf(&book, "Paragraph %d %s\n\n", i, strings.Repeat("word ", i%40))
	}
	p := load(t, one(panel.Text, panel.Books), map[string]string{"file": book.String()})
	var sections []string
	for _, text := range p.Texts() {
		sections = append(sections, text)
	}
	for i, s := range sections {
		if last := i == len(sections)-1; !strings.HasPrefix(s, "Paragraph ") || len(s) < 8<<10 && !last || len(s) > 9<<10 {
			t.Errorf("section %d of %d has %d bytes and begins %.20q", i, len(sections), len(s), s)
		}
	}
	if joined := strings.Join(sections, "\n\n"); strings.Count(joined, "Paragraph ") != 500 || len(sections) < 5 {
		t.Errorf("%d sections have %d paragraphs", len(sections), strings.Count(joined, "Paragraph "))
	}
}

func TestUnitsOfSeveralFilesDiffer(t *testing.T) {
	d := one(panel.Text, panel.Lines)
	d.Suites[0].Files = []string{"a", "b"}
	p := load(t, d, map[string]string{"a": `{"text":"x"}`, "b": `{"text":"y"}`})
	if got, want := heldTexts(p), []string{"a:1: x", "b:1: y"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	long := strings.Repeat("x", 4<<20+1)
	for name, tc := range map[string]struct {
		kind    panel.Kind
		format  panel.Format
		content string
		want    string
	}{
		"empty":              {panel.Text, panel.Lines, "", "no units"},
		"no JSON":            {panel.Text, panel.Lines, "{\"text\":\"a\"}\nhello", "object 2"},
		"cut":                {panel.Text, panel.Lines, `{"text":"a`, "object 1: unexpected EOF"},
		"no text":            {panel.Text, panel.Lines, `{"body":"a"}`, "no text"},
		"too long":           {panel.Text, panel.Lines, `{"text":"` + long + `"}`, "4194304 bytes"},
		"two of one ID":      {panel.Text, panel.Lines, `{"id":"2","text":"a"}{"text":"b"}`, "two units"},
		"long ID":            {panel.Text, panel.Lines, `{"id":"` + long + `","text":"a"}`, "too long"},
		"another format":     {panel.Text, panel.Passages, `{"text":"a"}`, "no passage and question"},
		"pages without text": {panel.Text, panel.Pages, `{"file_id":"1"}`, "no units"},
		"page without ID":    {panel.Text, panel.Pages, `{"ground_truth":{"main_content":"a"}}`, "empty"},
		"empty book":         {panel.Text, panel.Books, "*** START OF THE BOOK\n\n*** END OF THE BOOK", "no units"},
		"book of bytes":      {panel.Text, panel.Books, "\xff\xfe", "no UTF-8"},
		"one choice":         {panel.Choice, panel.Lines, `{"query":"q","choices":["a"]}`, "1 choices"},
		"no choices":         {panel.Choice, panel.Lines, `{"query":"q"}`, "0 choices"},
		"too many choices":   {panel.Choice, panel.Lines, `{"query":"q","choices":["a"` + strings.Repeat(`,"b"`, 26) + `]}`, "27 choices"},
		"empty choice":       {panel.Choice, panel.Lines, `{"query":"q","choices":["a"," "]}`, "a choice is empty"},
		"long choice":        {panel.Choice, panel.Lines, `{"query":"q","choices":["a","` + long + `"]}`, "longer than"},
		"wrong gold":         {panel.Choice, panel.Lines, `{"query":"q","choices":["a","b"],"gold":2}`, "answer 2 of 2"},
		"negative gold":      {panel.Choice, panel.Lines, `{"query":"q","choices":["a","b"],"gold":-1}`, "answer -1 of 2"},
		"fractional gold":    {panel.Choice, panel.Lines, `{"query":"q","choices":["a","b"],"gold":0.5}`, "object 1"},
		"no continuation":    {panel.Cloze, panel.Lines, `{"context":"q"}`, "a choice is empty"},
	} {
		dir := folder(t, map[string]string{"file": tc.content})
		_, err := panel.Load(dir, one(tc.kind, tc.format))
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), filepath.Join(dir, "file")) || len(err.Error()) > 500 {
			t.Errorf("%s: error %.300v, want %q and the file", name, err, tc.want)
		}
	}
}

// TestPieces of long texts are runs of them within the bound, and end where words
// do.
func TestPieces(t *testing.T) {
	words := strings.TrimSpace(strings.Repeat("some words of a text, naïve ones\n", 300))
	for name, text := range map[string]string{
		"words": words, "no spaces": strings.Repeat("字", 5000), "mostly spaces": "a" + strings.Repeat(" ", 9000) + "b", "bytes": strings.Repeat("x", 9000),
	} {
		d := one(panel.Text, panel.Lines)
		for _, limit := range []int64{1, 2, 3, 100, 1000, 8000} {
			d.Suites[0].Piece = limit
			p := load(t, d, map[string]string{"file": `{"text":` + fmt.Sprintf("%q", text) + `}`})
			starts := make(map[string]bool)
			for i := range 20 {
				plan, err := p.Draw(seed(fmt.Sprint(i))).Plan(letters{}, 1<<20)
				if err != nil {
					t.Fatalf("%s, %d: %v", name, limit, err)
				}
				piece := strings.TrimPrefix(show(plan.Examples[0]), "^|")
				longest := max(int(limit), 3) // a character may be longer than the bound
				if piece == "" || len(piece) > longest || !strings.Contains(text, piece) || !utf8.ValidString(piece) {
					t.Errorf("%s, %d: piece %.40q of %d bytes", name, limit, piece, len(piece))
				}
				last := piece[strings.LastIndexAny(piece, " \n")+1:]
				if name == "words" && limit >= 100 && (len(piece) < int(limit)*2/3 || !slices.Contains(strings.Fields(text), last)) {
					t.Errorf("%s, %d: piece of %d bytes that ends %q", name, limit, len(piece), last)
				}
				starts[piece[:1]] = true
			}
			if name == "words" && limit == 1000 && (len(starts) != 1 || !starts["s"]) {
				t.Errorf("pieces begin with %v, not where lines do", starts)
			}
		}
	}
}

// TestBenchmarks holds the sets of public items to what is known of them.
func TestBenchmarks(t *testing.T) {
	data := os.Getenv("FINEST_TESTDATA")
	if data == "" {
		t.Skip("FINEST_TESTDATA is not set: no benchmarks to read")
	}
	d := panel.Definition{Name: "benchmarks"}
	for i, s := range panel.Public(panel.GPU).Suites[3:] {
		s.Weight, s.Units = []int{250, 250, 250, 250}[i], 0
		d.Suites = append(d.Suites, s)
	}
	p, err := panel.Load(filepath.Join(data, "evalsets"), d)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.Draw(seed("a")).Plan(letters{}, 4096)
	if err != nil {
		t.Fatal(err)
	}
	list := scores(plan, 1)
	results, err := plan.Results(list)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{2376, 1172, 500, 5153} {
		if got := len(results[i].Units); got != want {
			t.Errorf("%s has %d items, want %d", results[i].Name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, content := range smallFiles {
		f.Add(content)
	}
	f.Add(`{"file_id":"1","ground_truth":{"main_content":"a"}}{"query":"Passage: a\nQuestion: b"}`)
	f.Add("*** START OF THE BOOK ***\n\na\n\n*** END OF THE BOOK ***")
	f.Fuzz(func(t *testing.T, content string) {
		dir := folder(t, map[string]string{"file": content})
		for _, d := range []panel.Definition{
			one(panel.Text, panel.Lines), one(panel.Text, panel.Pages), one(panel.Text, panel.Passages), one(panel.Text, panel.Books),
			one(panel.Choice, panel.Lines), one(panel.Cloze, panel.Lines),
		} {
			d.Suites[0].Piece = 7
			p, err := panel.Load(dir, d)
			if err != nil {
				continue
			}
			plan, err := p.Draw(seed("a")).Plan(letters{}, 5)
			if err != nil {
				t.Fatalf("a panel that loads has no plan: %v", err)
			}
			for _, e := range plan.Examples {
				if len(e.Tokens) > 6 || e.From < 1 || e.From >= len(e.Tokens) {
					t.Fatalf("example %q", show(e))
				}
			}
			if _, err := plan.Results(scores(plan, 1)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
