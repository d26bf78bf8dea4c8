package compare

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/lm"
)

// letters is an encoder of one token a byte.
type letters struct{}

func (letters) Encode(dst []uint16, text string) []uint16 {
	for i := range len(text) {
		dst = append(dst, uint16(text[i]))
	}
	return dst
}

func (letters) EOS() uint16 { return 256 }

// listed are documents at hand.
func listed(documents ...Document) Documents {
	return func(context.Context) iter.Seq2[Document, error] {
		return func(yield func(Document, error) bool) {
			for _, d := range documents {
				if !yield(d, nil) {
					return
				}
			}
		}
	}
}

// numbered are n documents of bytes each, on hosts of their own.
func numbered(n, bytes int) (documents []Document) {
	for i := range n {
		text := fmt.Sprintf("%d:", i)
		documents = append(documents, Document{
			Key: fmt.Sprint(i), URL: fmt.Sprintf("https://host%d.example/", i), Text: text + strings.Repeat("x", bytes-len(text)),
		})
	}
	return documents
}

// testTier trains on 64 tokens a step.
func testTier(tokens int64) Tier {
	return Tier{
		Name: "test", Seeds: 2, DocumentBytes: 1 << 10, HostShare: 0.25, BytesPerToken: 2,
		Spec: lm.Spec{
			Version: lm.Version, Config: lm.Config{Vocab: 257, Dim: 8, Layers: 1, Heads: 2, Hidden: 16, Context: 16},
			Tokens: tokens, Batch: 4, MuonRate: 0.02, AdamRate: 0.003,
		},
	}
}

func drawAll(t *testing.T, tier Tier, d Documents, seeds ...eval.Seed) drawn {
	t.Helper()
	got, err := drawer{tier: tier, encoder: letters{}, keep: func(Document) bool { return true }}.draw(t.Context(), d, seeds)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// text is what a sample is trained on.
func (s sample) text() string {
	var b strings.Builder
	for _, d := range s.documents {
		b.WriteByte('|')
		for _, token := range d {
			b.WriteByte(byte(token))
		}
	}
	return b.String()
}

func TestSampleIsOnePassOfTheTier(t *testing.T) {
	got := drawAll(t, testTier(1000), listed(numbered(100, 60)...), seedOf("a"), seedOf("b"))
	for i, s := range got.samples {
		if _, err := s.pack(testTier(1000).Spec, 256, seedOf("order")); err != nil {
			t.Fatal(err)
		}
		s := got.samples[i]
		if s.facts.Tokens != 1024 || s.facts.Documents != 17 || len(s.text()) != 1024 {
			t.Errorf("sample %d: %+v and %d tokens, want the 1024 of 16 steps", i, s.facts, len(s.text()))
		}
	}
	if got.samples[0].text() == got.samples[1].text() {
		t.Error("two seeds draw the same sample")
	}
	if got.documents != 100 {
		t.Errorf("%d documents read", got.documents)
	}
}

// TestSamplesHoldTheSamePages: whatever a recipe does to the texts and in which
// order the rows are, the same pages are drawn.
func TestSamplesHoldTheSamePages(t *testing.T) {
	documents := numbered(60, 50)
	refined := make([]Document, 0, len(documents))
	for i := range documents {
		d := documents[len(documents)-1-i]
		d.Text = strings.ToUpper(d.Text)
		refined = append(refined, d)
	}
	a := drawAll(t, testTier(1000), listed(documents...), seedOf("a")).samples[0]
	b := drawAll(t, testTier(1000), listed(refined...), seedOf("a")).samples[0]
	if strings.ToUpper(a.text()) != b.text() {
		t.Errorf("samples\n%s\n%s", a.text(), b.text())
	}
}

func TestSampleWithoutKeysPairsByPosition(t *testing.T) {
	documents := numbered(60, 50)
	refined := make([]Document, len(documents))
	for i := range documents {
		documents[i].Key = ""
		refined[i] = documents[i]
		refined[i].Text = strings.ToUpper(refined[i].Text)
	}
	a := drawAll(t, testTier(1000), listed(documents...), seedOf("a")).samples[0]
	b := drawAll(t, testTier(1000), listed(refined...), seedOf("a")).samples[0]
	if strings.ToUpper(a.text()) != b.text() {
		t.Errorf("samples\n%s\n%s", a.text(), b.text())
	}
}

func TestHostCap(t *testing.T) {
	some := numbered(200, 50)
	for i := range 120 {
		some[i].URL = "https://big.example/" + fmt.Sprint(i)
	}
	one := numbered(200, 50)
	for i := range one {
		one[i].URL = "https://big.example/" + fmt.Sprint(i)
	}
	none := numbered(200, 50)
	for i := range none {
		none[i].URL = ""
	}
	for _, tc := range []struct {
		name      string
		documents []Document
		most      int  // documents whose number is below 120
		refilled  bool // with what the cap held back
	}{
		{"others are there", some, 256/50 + 1, false},
		{"nothing else is there", one, 1000, true},
		{"no addresses", none, 1000, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := drawAll(t, testTier(1024), listed(tc.documents...), seedOf("a")).samples[0]
			big := 0
			for _, d := range strings.Split(s.text(), "|") {
				var n int
				if _, err := fmt.Sscanf(d, "%d:", &n); err == nil && n < 120 {
					big++
				}
			}
			if s.facts.Tokens < 1023 || big > tc.most {
				t.Errorf("%d tokens, %d documents of one host, want at most %d", s.facts.Tokens, big, tc.most)
			}
			if (s.facts.Refilled > 0) != tc.refilled || tc.refilled && s.facts.Held == 0 {
				t.Errorf("%d tokens held back, %d taken after all", s.facts.Held, s.facts.Refilled)
			}
		})
	}
}

func TestLongDocumentIsOnePiece(t *testing.T) {
	tier := testTier(4096)
	long := Document{Key: "long", Text: strings.Repeat("a", 10<<20)}
	s := drawAll(t, tier, listed(append(numbered(20, 50), long)...), seedOf("a")).samples[0]
	if n := strings.Count(s.text(), "a"); n != 1<<10 || s.facts.Cut != 1 {
		t.Errorf("%d bytes of a long document, %+v", n, s.facts)
	}
}

// TestTinyRowsStayFew: however many rows of a letter there are, few are held.
func TestTinyRowsStayFew(t *testing.T) {
	tier := testTier(1024)
	rows := make([]Document, 10_000)
	for i := range rows {
		rows[i] = Document{Key: fmt.Sprint(i), Text: "x"}
	}
	s := drawAll(t, tier, listed(rows...), seedOf("a")).samples[0]
	if want := 1024 / leastTokens; s.facts.Documents != want || s.facts.Tokens != 2*int64(want) {
		t.Errorf("%d of 10,000 rows of a letter with %d tokens, want %d", s.facts.Documents, s.facts.Tokens, want)
	}
}

func TestMarks(t *testing.T) {
	var m marks
	set := map[int64]bool{1: true, 63: true, 64: true, 1000: true}
	for n := range set {
		m.set(n)
	}
	for n := range int64(2000) {
		if m.has(n) != set[n] {
			t.Errorf("mark %d is %v", n, m.has(n))
		}
	}
}

func TestOddDatasets(t *testing.T) {
	for _, tc := range []struct {
		name      string
		documents []Document
		empty     int64
		tokens    int64
	}{
		{"none", nil, 0, 0},
		{"blank texts", []Document{{Text: ""}, {Text: " \n\t"}}, 2, 0},
		{"one row", []Document{{Text: "one"}}, 0, 4},
		{"one byte", []Document{{Text: "x"}}, 0, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := drawAll(t, testTier(1024), listed(tc.documents...), seedOf("a"))
			s := got.samples[0]
			_, err := s.pack(testTier(1024).Spec, 256, seedOf("order"))
			if got.empty != tc.empty || s.facts.Tokens != tc.tokens {
				t.Errorf("%d empty, %+v", got.empty, s.facts)
			}
			if (tc.tokens == 0) != errors.Is(err, lm.ErrNoTokens) {
				t.Errorf("pack: %v", err)
			}
		})
	}
}

// TestDroppedDocumentsAreReplaced: what may not be trained on leaves its place to
// the next pages, and is asked about once, even where a dataset is read again for
// every seed.
func TestDroppedDocumentsAreReplaced(t *testing.T) {
	tier := testTier(1024)
	tier.BytesPerToken = poolMemory/1024 + 1 // so that one run at a time fits
	asked := make(map[string]int)
	got, err := drawer{tier: tier, encoder: letters{}, keep: func(d Document) bool {
		asked[d.Key]++
		return len(d.Key) > 1
	}}.draw(t.Context(), listed(numbered(100, 50)...), []eval.Seed{seedOf("a"), seedOf("b"), seedOf("c")})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range got.samples {
		if s.facts.Tokens != 1024 {
			t.Errorf("sample %d: %+v", i, s.facts)
		}
		for d := range strings.SplitSeq(s.text(), "|") {
			if len(d) > 1 && d[1] == ':' {
				t.Errorf("sample %d has %q", i, d)
			}
		}
	}
	if len(asked) != 100 || asked["5"] != 1 || asked["50"] != 1 {
		t.Errorf("asked about %d documents, %d times about one", len(asked), asked["5"])
	}
}

func TestReadingEnds(t *testing.T) {
	tier := testTier(1024)
	broken := func(context.Context) iter.Seq2[Document, error] {
		return func(yield func(Document, error) bool) {
			_ = yield(Document{Text: "fine"}, nil) && yield(Document{}, errors.New("line 2 is broken"))
		}
	}
	keep := func(Document) bool { return true }
	if _, err := (drawer{tier: tier, encoder: letters{}, keep: keep}).draw(t.Context(), broken, []eval.Seed{seedOf("a")}); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a broken dataset: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (drawer{tier: tier, encoder: letters{}, keep: keep}).draw(ctx, listed(numbered(9, 50)...), []eval.Seed{seedOf("a")}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
	calls := 0
	growing := func(context.Context) iter.Seq2[Document, error] {
		calls++
		return listed(numbered(calls, 50)...)(t.Context())
	}
	tier.BytesPerToken = poolMemory
	if _, err := (drawer{tier: tier, encoder: letters{}, keep: keep}).draw(t.Context(), growing, []eval.Seed{seedOf("a"), seedOf("b")}); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Errorf("a dataset that grows: %v", err)
	}
}

func TestPartsAreDisjoint(t *testing.T) {
	documents := numbered(300, 20)
	seen := make(map[string]int)
	for part := range 3 {
		n := 0
		for d, err := range Part(listed(documents...), seedOf("cut"), part, 3)(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			seen[d.Key]++
			n++
		}
		if n < 60 || n > 140 {
			t.Errorf("part %d has %d of 300 documents", part, n)
		}
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("document %s is in %d parts", key, n)
		}
	}
	if len(seen) != 300 {
		t.Errorf("%d documents are in some part", len(seen))
	}
}
