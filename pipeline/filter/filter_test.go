package filter_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"finest/pipeline"
	"finest/pipeline/filter"
)

type newStage func(pipeline.StageSpec) (pipeline.Stage, error)

// build returns a stage with some parameters changed.
func build(t testing.TB, spec pipeline.StageSpec, construct newStage, params map[string]string) pipeline.Stage {
	t.Helper()
	for name, v := range params {
		if _, ok := spec.Params[name]; !ok {
			t.Fatalf("stage %s has no parameter %s", spec.Name, name)
		}
		spec.Params[name] = v
	}
	stage, err := construct(spec)
	if err != nil {
		t.Fatal(err)
	}
	if stage.Name() != spec.Name {
		t.Errorf("stage %s of spec %s", stage.Name(), spec.Name)
	}
	return stage
}

// example is a text and the reason for which it is dropped, "" if it is kept.
type example struct{ text, reason string }

func check(t *testing.T, stage pipeline.Stage, examples []example) {
	t.Helper()
	for _, e := range examples {
		reason := ""
		if drop := stage.Process(&pipeline.Document{Text: e.text}); drop != nil {
			reason = drop.Reason
		}
		if reason != e.reason {
			t.Errorf("%s of %.120q: %q, want %q", stage.Name(), e.text, reason, e.reason)
		}
	}
}

// prose is 41 words in which nothing repeats.
const prose = "When the ferry left the harbour that morning, nobody on deck noticed the boy who had hidden " +
	"behind the life rafts. 'They will find me soon,' he thought, 'but by then we shall be far out " +
	"at sea and have to go on together.'"

type stageKind struct {
	spec      func() pipeline.StageSpec
	construct newStage
}

func stageKinds(t *testing.T) []stageKind {
	pinned, dir := listFiles(t, lists)
	return []stageKind{
		{filter.GopherRepetitionSpec, filter.NewGopherRepetition},
		{filter.GopherQualitySpec, filter.NewGopherQuality},
		{filter.C4Spec, filter.NewC4},
		{filter.FineWebSpec, filter.NewFineWeb},
		{filter.URLSpec, func(s pipeline.StageSpec) (pipeline.Stage, error) {
			s.Assets = pinned.Assets
			return filter.NewURL(s, dir)
		}},
	}
}

func TestParametersAreChecked(t *testing.T) {
	for _, s := range stageKinds(t) {
		build(t, s.spec(), s.construct, nil)
		for name := range s.spec().Params {
			spec := s.spec()
			delete(spec.Params, name)
			if _, err := s.construct(spec); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("stage %s without %s: error %v", spec.Name, name, err)
			}
		}
		spec := s.spec()
		spec.Params["no_such"] = "1"
		if _, err := s.construct(spec); err == nil || !strings.Contains(err.Error(), "no_such") {
			t.Errorf("stage %s with a parameter more: error %v", spec.Name, err)
		}
	}
}

func TestOddTextsDoNotPanic(t *testing.T) {
	for _, s := range stageKinds(t) {
		stage := build(t, s.spec(), s.construct, nil)
		for _, text := range []string{"", " ", "\n", "\n\n\n", "a", ".", "\x1c", "\u2028\u2028", "\xff"} {
			stage.Process(&pipeline.Document{Text: text, URL: text})
		}
	}
}

// inProfiles runs a test under each profile, with its parameters and word
// splitter and some parameters more.
func inProfiles(t *testing.T, spec func() pipeline.StageSpec, construct newStage, params map[string]string, test func(t *testing.T, profile string, stage pipeline.Stage)) {
	t.Helper()
	for profile, splitter := range map[string]string{"release": "nltk", "head": "spacy"} {
		t.Run(profile, func(t *testing.T) {
			all := map[string]string{"profile": profile}
			if _, ok := spec().Params["words"]; ok {
				all["words"] = splitter
			}
			maps.Copy(all, params)
			test(t, profile, build(t, spec(), construct, all))
		})
	}
}

func TestGopherRepetition(t *testing.T) {
	filler := func(n int, s string) string { return strings.Repeat(s, n) }
	inProfiles(t, filter.GopherRepetitionSpec, filter.NewGopherRepetition, nil, func(t *testing.T, _ string, stage pipeline.Stage) {
		check(t, stage, []example{
			{filler(4, "I am your father.\n"), "dup_line_frac"},
			{filler(4, "I am your father.\n\n"), "dup_para_frac"},
			{"First of all.\n\nSecond of all.\n\nThird of all.\n\n" + filler(2, filler(30, "x")+".\n\n"), "dup_para_char_frac"},
			{"First of all.\nSecond of all.\nThird of all.\n" + filler(2, filler(40, "x")+".\n"), "dup_line_char_frac"},
			{"I am Frank, I am Frank, I am Frank", "top_2_gram"},
			{"I am Frank, you are Jhon. I am Frank. I am Frank you are Jhon", "top_3_gram"},
			{filler(4, "I am a solo traveller ") + prose, "duplicated_5_n_grams"},
			{prose, ""},
			{"alpha beta", "top_2_gram"},
		})
	})
	off := map[string]string{"dup_para_frac": "0", "dup_para_char_frac": "0", "dup_line_frac": "0", "dup_line_char_frac": "0"}
	inProfiles(t, filter.GopherRepetitionSpec, filter.NewGopherRepetition, off, func(t *testing.T, _ string, stage pipeline.Stage) {
		check(t, stage, []example{{filler(4, prose+"\n"), "duplicated_5_n_grams"}})
	})
}

// TestGopherRepetitionProfiles: blank lines are lines that repeat in the release
// profile, and lines end in more ways there.
func TestGopherRepetitionProfiles(t *testing.T) {
	half := strings.Fields(prose)
	blank := strings.Join(half[:9], " ") + "\n\n\n\n" + strings.Join(half[9:20], " ") + "\n\n\n\n" + strings.Join(half[20:], " ")
	carriage := strings.Repeat("short and again\r", 4) + prose
	for profile, want := range map[string][]example{
		"release": {{blank, "dup_line_frac"}, {carriage, "dup_line_frac"}, {"", ""}},
		"head":    {{blank, ""}, {carriage, "top_3_gram"}, {"", "empty"}},
	} {
		check(t, build(t, filter.GopherRepetitionSpec(), filter.NewGopherRepetition, map[string]string{"profile": profile}), want)
	}
}

func TestGopherQuality(t *testing.T) {
	bounds := map[string]string{"min_doc_words": "10", "max_doc_words": "1000"}
	inProfiles(t, filter.GopherQualitySpec, filter.NewGopherQuality, bounds, func(t *testing.T, profile string, stage pipeline.Stage) {
		check(t, stage, []example{
			{"I am too small...", "gopher_short_doc"},
			{strings.Repeat("long ", 1001), "gopher_long_doc"},
			{strings.Repeat("I am ", 20), "gopher_below_avg_threshold"},
			{strings.Repeat("interconnection ", 20), "gopher_above_avg_threshold"},
			{strings.Repeat("# comment ", 20), "gopher_too_many_hashes"},
			{strings.Repeat("... comment ", 20), "gopher_too_many_ellipsis"},
			{strings.Repeat("• the first of points\n- that of second\n", 10), "gopher_too_many_bullets"},
			{strings.Repeat("the first of many long lines, one after the other, ends like this ...\n", 10), "gopher_too_many_end_ellipsis"},
			{strings.Repeat("the ./!*?<><> apple <?////> orange  ++ interconnection !<>??? have", 20), "gopher_below_alpha_threshold"},
			{strings.Repeat("nothing here counts ", 10), "gopher_enough_stop_words"},
			{strings.Repeat("nothing here counts ", 10) + "the The", "gopher_enough_stop_words"},
			{strings.Repeat("nothing here counts ", 10) + "the of", ""},
			{prose, ""},
		})
		twice := example{strings.Repeat("nothing here counts ", 10) + "the the", ""}
		if profile == "head" {
			twice.reason = "gopher_enough_stop_words" // counted once each
		}
		check(t, stage, []example{twice})
	})
}

// TestPunctuationOfProfiles: words of marks that only the head profile holds for
// punctuation are no words there.
func TestPunctuationOfProfiles(t *testing.T) {
	marks := strings.Repeat("nothing here counts to and । ॥ ؟ ", 2)
	for profile, want := range map[string]string{"release": "", "head": "gopher_short_doc"} {
		stage := build(t, filter.GopherQualitySpec(), filter.NewGopherQuality, map[string]string{"profile": profile, "min_doc_words": "15", "min_alpha_words_ratio": "0"})
		check(t, stage, []example{{marks, want}})
	}
}

func TestC4(t *testing.T) {
	clean := "This line is a clean sentence."
	lines := func(s ...string) string { return strings.Join(s, "\n") }
	five := strings.Repeat(clean+"\n", 5)
	inProfiles(t, filter.C4Spec, filter.NewC4, nil, func(t *testing.T, _ string, stage pipeline.Stage) {
		check(t, stage, []example{
			{five + clean, ""},
			{five + "And then lorem ipsum follows.", "lorem_ipsum"},
			{five + "There is a { in it.", "curly_bracket"},
			{clean, "too_few_sentences"},
			{strings.Repeat(clean+" ", 5), ""},
			{five + "read our { privacy policy } here", "curly_bracket"},
		})
	})
	// A line of which nothing is left has a sentence in the head profile.
	emptied := strings.Repeat(clean+"\n", 4) + "[1] [2] [3]"
	for profile, want := range map[string]string{"release": "too_few_sentences", "head": ""} {
		check(t, build(t, filter.C4Spec(), filter.NewC4, map[string]string{"profile": profile}), []example{{emptied, want}})
	}
	stage := build(t, filter.C4Spec(), filter.NewC4, nil)
	for text, want := range map[string]string{
		"  A fact.[12] And more[edit] text[citation needed] here. ": "A fact. And more text here.",
		"Lorem ipsum":                        "",
		"javascript { code } here":           "",
		"Please enable JavaScript to go on.": "",
		"This site uses cookies for you.":    "",
		"two words":                          "",
		"A {":                                "",
		"A word of " + strings.Repeat("x", 1001) + " here.": "",
		"A word of " + strings.Repeat("é", 1000) + " here.": "A word of " + strings.Repeat("é", 1000) + " here.",
		"[1] [2] [3]": "",
	} {
		d := &pipeline.Document{Text: lines(text, five)}
		if drop := stage.Process(d); drop != nil {
			t.Errorf("%.60q is dropped: %+v", text, *drop)
			continue
		}
		got := strings.TrimSuffix(strings.TrimSuffix(d.Text, strings.TrimSpace(five)), "\n")
		if strings.TrimSpace(got) != want {
			t.Errorf("%.60q becomes %.60q, want %.60q", text, got, want)
		}
	}
	d := &pipeline.Document{Text: " four\n" + strings.Repeat(clean+"\r\n", 4)}
	before := d.Text
	if drop := stage.Process(d); drop == nil || drop.Value != 4 || d.Text != before {
		t.Errorf("four sentences: %+v, text changed %t", drop, d.Text != before)
	}
}

func TestFineWeb(t *testing.T) {
	long := func(i int) string { return fmt.Sprintf("This is line number %d of a longer text", i) }
	numbered := func(n, punctuated int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(long(i))
			if i < punctuated {
				b.WriteByte('.')
			}
			if i+1 < n {
				b.WriteByte('\n')
			}
		}
		return b.String()
	}
	short := func(n, long int) string {
		lines := strings.Split(numbered(long, long), "\n")
		for i := range n {
			lines = append(lines, fmt.Sprintf("Short %d.", i))
		}
		return strings.Join(lines, "\n")
	}
	var list []string
	for i := range 10 {
		list = append(list, strings.Repeat(string(rune('a'+i)), 40)+".")
	}
	// Of 2000 characters 20 are in a repeated line: 1 %.
	hundredth := []string{"Twenty chars are it.", "Twenty chars are it."}
	for i := range 49 {
		hundredth = append(hundredth, fmt.Sprintf("%033d a b c.", i))
	}

	type outcome struct{ text, release, head string }
	outcomes := []outcome{
		{numbered(8, 1), "", ""},
		{numbered(9, 1), "line_punct_ratio", "line_punct_ratio"},
		{numbered(25, 3), "line_punct_ratio", ""}, // equal to the limit
		{strings.ReplaceAll(numbered(5, 5), ".", `"`), "", "line_punct_ratio"},
		{strings.ReplaceAll(numbered(5, 5), ".", "。"), "line_punct_ratio", ""},
		{strings.Repeat("A short line.\n", 5), "short_line_ratio", "short_line_ratio"},
		{short(2, 1), "", ""},
		{short(3, 1), "short_line_ratio", "short_line_ratio"},
		{short(67, 33), "short_line_ratio", ""}, // equal to the limit
		{long(0) + ".\n" + long(1) + ".\n\n\n\n\n", "short_line_ratio", ""},
		{numbered(3, 3) + "\n" + long(2) + ".", "char_dup_ratio", "char_dup_ratio"},
		{strings.Join(hundredth, "\n"), "char_dup_ratio", ""}, // equal to the limit
		{strings.Join(list, "\n"), "list_ratio", "list_ratio"},
		{strings.Repeat("a\n", 50), "line_punct_ratio", "line_punct_ratio"},
		{"\n \n", "line_punct_ratio", "empty"},
		{"", "line_punct_ratio", "empty"},
	}
	for profile, params := range map[string]map[string]string{
		"release": nil,
		"head":    {"profile": "head", "stop_chars": "terminal"},
	} {
		t.Run(profile, func(t *testing.T) {
			var examples []example
			for _, o := range outcomes {
				e := example{o.text, o.release}
				if profile == "head" {
					e.reason = o.head
				}
				examples = append(examples, e)
			}
			check(t, build(t, filter.FineWebSpec(), filter.NewFineWeb, params), examples)
		})
	}
	check(t, build(t, filter.FineWebSpec(), filter.NewFineWeb, map[string]string{"line_punct_exclude_zero": "true"}), []example{
		{numbered(9, 0), ""},
		{numbered(9, 1), "line_punct_ratio"},
	})
	spec := filter.FineWebSpec()
	spec.Params["stop_chars"] = ". terminal"
	if _, err := filter.NewFineWeb(spec); err == nil || !strings.Contains(err.Error(), "stop_chars") {
		t.Errorf("a word as a character: error %v", err)
	}
}

// FuzzTextFilters runs all filters of texts in both profiles; none may panic, and
// what they measure is a number.
func FuzzTextFilters(f *testing.F) {
	var stages []pipeline.Stage
	for profile, splitter := range map[string]string{"release": "nltk", "head": "spacy"} {
		words := map[string]string{"profile": profile, "words": splitter}
		stages = append(stages,
			build(f, filter.GopherRepetitionSpec(), filter.NewGopherRepetition, words),
			build(f, filter.GopherQualitySpec(), filter.NewGopherQuality, words),
			build(f, filter.C4Spec(), filter.NewC4, map[string]string{"profile": profile}),
			build(f, filter.FineWebSpec(), filter.NewFineWeb, words))
	}
	stages = append(stages, build(f, filter.C4ParagraphsSpec(), filter.NewC4Paragraphs, nil))
	f.Add(prose + "\n\n\n" + prose)
	f.Add("\n\n \u2028\x1c[1][edit]{ lorem ipsum ... … • - # \xff\u0300")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range stages {
			if drop := s.Process(&pipeline.Document{Text: text}); drop != nil && (drop.Reason == "" || drop.Value != drop.Value) {
				t.Errorf("%s: %+v", s.Name(), *drop)
			}
		}
	})
}
