package oracle_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
	"finest/pipeline/oracle"
)

// checks are what is compared, in the order of reports, and the lowest share of
// documents on which both must agree.
var checks = []struct {
	name string
	bar  float64
}{
	{"url", 1}, {"words", 0.995}, {"sentences", 0.995}, {"language", 0.999}, {"score", 1}, {"repetition", 0.995}, {"quality", 0.995},
	{"c4", 0.995}, {"c4 text", 0.995}, {"fineweb", 0.995}, {"values", 0.995}, {"normal", 1}, {"signature", 1}, {"tokens", 1}, {"pii", 1},
	{"end", 0.995}, {"end text", 0.995},
}

// scoreTolerance is how far the score of a language may be off.
const scoreTolerance = 1e-5

// comparison is of one corpus in one profile.
type comparison struct {
	t               *testing.T
	corpus, profile string
	stages          *oracle.Stages
	mu              sync.Mutex
	total, agreed   map[string]int
	differences     []difference
}

// difference is a check that turned out differently.
type difference struct{ check, id, got, want string }

func (c *comparison) run(docs []document, g golden) {
	c.t.Helper()
	c.total, c.agreed = make(map[string]int), make(map[string]int)
	keys, ends := make([][]uint64, len(docs)), make([][]uint64, len(docs))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var running sync.WaitGroup
	for i := range docs {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			if !docs[i].left {
				keys[i], ends[i] = c.document(&docs[i])
			}
		})
	}
	running.Wait()
	c.report()
	if !slices.ContainsFunc(docs, func(d document) bool { return d.left && d.text != "" }) {
		c.clusters("all texts", keys, g.Clusters, g.Dropped)
		c.clusters("kept texts", ends, g.EndClusters, g.EndDropped)
	}
}

// document compares all stages on one text and returns its band keys: as it
// came, and as it comes out of the filters, if it does.
func (c *comparison) document(d *document) (keys, endKeys []uint64) {
	g, s := &d.golden, c.stages
	check := func(name string, got, want any) {
		c.note(difference{name, d.id, fmt.Sprint(got), fmt.Sprint(want)})
	}
	fresh := func() *pipeline.Document { return &pipeline.Document{ID: d.id, URL: d.url, Text: d.text} }
	filter := func(name string, stage pipeline.Stage, want verdict) *pipeline.Document {
		doc := fresh()
		drop := stage.Process(doc)
		reason := ""
		if drop != nil {
			reason = drop.Reason
		}
		check(name, reason, want.reason)
		if reason == want.reason && drop != nil && want.value != nil {
			check("values", fmt.Sprint(name, " ", reason, " ", drop.Value), fmt.Sprint(name, " ", reason, " ", *want.value))
		}
		return doc
	}

	if g.URL != nil && s.URL != nil {
		filter("url", s.URL, verdict{reason: *g.URL})
	}
	words := fresh().Words(s.Splitter)
	check("words", counted{len(words), oracle.Hash(strings.Join(words, "\x00"))}, g.Words)
	check("sentences", s.CountSentences(d.text), g.Sentences)
	lang := fresh()
	keep := s.Language.Process(lang) == nil
	check("language", fmt.Sprint(keep, lang.Language), fmt.Sprint(g.Language.keep, g.Language.label))
	if off := math.Abs(lang.LanguageScore - g.Language.score); lang.Language == g.Language.label && off > scoreTolerance {
		check("score", lang.LanguageScore, g.Language.score)
	} else {
		check("score", "", "")
	}
	filter("repetition", s.Repetition, g.Repetition)
	filter("quality", s.Quality, g.Quality)
	check("c4 text", oracle.Hash(filter("c4", s.C4, g.C4).Text), g.C4.edited)
	filter("fineweb", s.FineWeb, g.FineWeb)

	normal := s.Normalization.Apply(d.text)
	check("normal", oracle.Hash(normal), g.Normal)
	signature := minhash.NewHasher(1, minhash.SHA1).Signature(s.Splitter.Words(normal))
	check("signature", hashNumbers(signature), g.Signature)
	keys = minhash.BandKeys(signature)

	doc := fresh()
	s.Tokens.Process(doc)
	check("tokens", doc.TokenCount, g.Tokens)
	s.PII.Process(doc)
	check("pii", oracle.Hash(doc.Text), g.PII)

	doc = fresh()
	if s.URL == nil && g.End.outcome == "url" {
		return keys, nil
	}
	outcome, reason := s.Run(doc)
	if outcome != contract.OutcomeKept {
		if outcome == "language" {
			reason = ""
		}
		check("end", outcome+" "+reason, strings.TrimSpace(g.End.outcome)+" "+endReason(g.End))
		return keys, nil
	}
	check("end", outcome+" ", g.End.outcome+" "+endReason(g.End))
	if g.End.outcome == contract.OutcomeKept {
		check("end text", fmt.Sprint(oracle.Hash(doc.Text), doc.TokenCount), fmt.Sprint(g.End.reason, g.End.tokens))
	}
	return keys, doc.BandKeys
}

func endReason(e end) string {
	if e.outcome == contract.OutcomeKept {
		return ""
	}
	return e.reason
}

func (c *comparison) note(d difference) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total[d.check]++
	if d.got == d.want {
		c.agreed[d.check]++
		return
	}
	c.differences = append(c.differences, d)
}

// report logs the agreement in every check and fails on one below its bar, and
// on a difference whose cause is not known.
func (c *comparison) report() {
	c.t.Helper()
	for _, check := range checks {
		total, agreed := c.total[check.name], c.agreed[check.name]
		if total == 0 {
			continue
		}
		share := float64(agreed) / float64(total)
		c.t.Logf("%-9s %-8s %-11s %5d of %5d agree: %7.3f %%", c.corpus, c.profile, check.name, agreed, total, 100*share)
		if share < check.bar {
			c.t.Errorf("%s: %.3f %% agree, fewer than %.1f %%", check.name, 100*share, 100*check.bar)
		}
	}
	known := knownDifferences(c.t)
	slices.SortFunc(c.differences, func(a, b difference) int { return strings.Compare(a.check+a.id, b.check+b.id) })
	for _, d := range c.differences {
		key := [4]string{c.corpus, c.profile, d.check, d.id}
		if cause, ok := known[key]; ok {
			c.t.Logf("known difference in %s of %s: %s", d.check, d.id, cause)
			delete(known, key)
			continue
		}
		c.t.Errorf("%s of %s: got %s, want %s", d.check, d.id, d.got, d.want)
	}
	for key := range known {
		if key[0] == c.corpus && key[1] == c.profile && (key[2] != "url" || c.stages.URL != nil) {
			c.t.Errorf("%s of %s: listed as a known difference, but there is none", key[2], key[3])
		}
	}
}

// knownDifferences reads testdata/differences.tsv: corpus, profile, check,
// document, and why the two differ there.
func knownDifferences(t testing.TB) map[[4]string]string {
	t.Helper()
	raw, err := os.ReadFile("testdata/differences.tsv")
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[[4]string]string)
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 5 || f[4] == "" {
			t.Fatalf("differences.tsv: %q: not five fields", line)
		}
		known[[4]string(f[:4])] = f[4]
	}
	return known
}

// clusters compares clusters as sets, and counts those of which another member
// is kept: the reference keeps the root of its union-find, we keep the first.
func (c *comparison) clusters(of string, keys [][]uint64, want [][]int, dropped []int) {
	c.t.Helper()
	clusterer := minhash.NewClusterer(keysort.Options{})
	for _, k := range keys {
		if err := clusterer.Add(k); err != nil {
			c.t.Fatal(err)
		}
	}
	keepers, err := clusterer.Keepers(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	members := make([][]int, len(keys))
	for i, keeper := range keepers {
		members[keeper] = append(members[keeper], i)
	}
	got := slices.DeleteFunc(members, func(m []int) bool { return len(m) < 2 })
	if fmt.Sprint(got) != fmt.Sprint(want) {
		c.t.Errorf("%s: clusters\n got %v\nwant %v", of, got, want)
	}
	others := 0
	for _, cluster := range want {
		if slices.Contains(dropped, cluster[0]) {
			others++
		}
	}
	c.t.Logf("%-9s %-8s clusters of %s: %d, in %d of which the reference keeps another document", c.corpus, c.profile, of, len(want), others)
}

// hashNumbers returns the first 8 bytes of the SHA-256 of numbers, 8 bytes little
// endian each, in hex; nothing for none.
func hashNumbers(numbers []uint64) string {
	if len(numbers) == 0 {
		return ""
	}
	raw := make([]byte, 0, 8*len(numbers))
	for _, n := range numbers {
		raw = binary.LittleEndian.AppendUint64(raw, n)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}
