package compare

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"finest/eval/panel/overlap"
)

// maxMatches bounds the list of documents that share text with the panel.
const maxMatches = 50

// Overlap says which documents of a dataset share text with the panel.
type Overlap struct {
	// Shared documents have a run of words in common with held-out text. They are
	// never trained on.
	Shared int64 `json:"shared"`
	// Accused ones hold more of it than pages do by chance.
	Accused int64 `json:"accused"`
	// Matches are documents with the longest runs, the accused ones before others.
	Matches []Match `json:"matches"`
}

// Match is one document that shares text with the panel.
type Match struct {
	// Document is its key or position, URL that of its page.
	Document string `json:"document"`
	URL      string `json:"url,omitempty"`
	Accused  bool   `json:"accused"`
	// Source is the held-out text, as suite/unit; Words is how long the longest
	// run of words in common is, Excerpt its beginning.
	Source  string `json:"source"`
	Words   int    `json:"words"`
	Excerpt string `json:"excerpt"`
}

// guard knows all held-out text of a panel.
type guard struct {
	panel string // its hash
	index *overlap.Index
}

// guardOf returns the guard of the panel, made once.
func (c *Comparer) guardOf() *guard {
	if c.guard == nil || c.guard.panel != c.Panel.Hash() {
		c.guard = &guard{panel: c.Panel.Hash(), index: overlap.New(c.Panel.Texts())}
	}
	return c.guard
}

// excuse returns a guard that accuses nobody of what the naive text of the same
// pages has, too. A recipe that chooses pages for it gains nothing, as what shares
// text with the panel is never trained on.
func (g *guard) excuse(ctx context.Context, naive Documents) (*guard, error) {
	var failed error
	index := g.index.Excuse(func(yield func(string, string) bool) {
		for d, err := range keyed(ctx, naive) {
			if failed = err; err != nil || !yield(d.Key, d.Text) {
				return
			}
		}
	})
	return &guard{panel: g.panel, index: index}, failed
}

// screen is what one dataset is looked through with.
type screen struct {
	*guard
	overlap Overlap
	others  []Match // that are not accused
}

func (g *guard) screen() *screen { return &screen{guard: g} }

// keep says whether a document may be trained on.
func (s *screen) keep(d Document) bool {
	m, found := s.index.Find(d.Text)
	if !found {
		return true
	}
	s.overlap.Shared++
	match := Match{Document: short(strings.TrimPrefix(d.Key, "\x00")), URL: short(d.URL)}
	list := &s.others
	if accused, ok := s.index.Accuse(d.Text); ok {
		m, match.Accused, list = accused, true, &s.overlap.Matches
		s.overlap.Accused++
	}
	match.Source, match.Words, match.Excerpt = m.Source, m.Words, m.Excerpt
	*list = insert(*list, match)
	return false
}

// insert adds a match to those with the longest runs.
func insert(list []Match, m Match) []Match {
	at := len(list)
	for at > 0 && list[at-1].Words < m.Words {
		at--
	}
	list = slices.Insert(list, at, m)
	return list[:min(len(list), maxMatches)]
}

func (s *screen) report() Overlap {
	out := s.overlap
	out.Matches = slices.Concat(s.overlap.Matches, s.others)
	out.Matches = append([]Match{}, out.Matches[:min(len(out.Matches), maxMatches)]...)
	return out
}

// maxName bounds names from outside in results.
const maxName = 500

// short returns a copy, so that nothing keeps all of s in memory.
func short(s string) string {
	return strings.Clone(strings.ToValidUTF8(s[:min(len(s), maxName)], ""))
}

// refuse says whether the candidate is to be refused, and why.
func (s *session) refuse(out *Comparison) bool {
	candidate, reference := out.Arms[0], out.Arms[1]
	out.Excess = max(0, candidate.accused()-reference.accused())
	if out.Excess <= overlap.Limit {
		return false
	}
	out.Outcome = Refused
	out.Reason = fmt.Sprintf("%d of %d documents of %q hold held-out text, %.1f %% of them more than of %q: the limit is %.0f %%",
		candidate.Overlap.Accused, candidate.Documents, candidate.Name, 100*out.Excess, reference.Name, 100*overlap.Limit)
	if len(out.Arms) < 3 {
		out.Reason += "; a naive anchor (--naive), the plain text of the same pages, excuses what the pages themselves say, such as cookie notices and lists of states"
	}
	return true
}

// accused is the share of the documents with text that hold held-out text.
func (a Arm) accused() float64 {
	if a.Documents <= a.Empty {
		return 0
	}
	return float64(a.Overlap.Accused) / float64(a.Documents-a.Empty)
}

// hasText says what is wrong with a dataset of which nothing is left.
func (a *arm) hasText() error {
	for _, s := range a.samples {
		if s.facts.Tokens == 0 {
			return fmt.Errorf("%s %q: %w: of %d documents %d are empty and %d share text with the panel",
				a.facts.Role, a.facts.Name, ErrNoText, a.facts.Documents, a.facts.Empty, a.facts.Overlap.Shared)
		}
	}
	return nil
}
