package filter

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"finest/pipeline"
	"finest/pipeline/assets"
)

// URL drops pages by their address alone: by lists of adult domains and URLs and
// by words in the URL (Penedo et al. 2023, RefinedWeb, appendix G.1; datatrove
// 0.2.0 and 0.10.1, which differ in the lists only).
//
// Comparisons with domains and URLs mind case, scheme and every slash, and so
// does the comparison with words, whose lists are lower case; only sub-words are
// looked for in the URL in lower case. Empty entries of lists match nothing.
type URL struct {
	softThreshold int
	domains, urls *lineSet
	hard, soft    map[string]struct{}
	subs          []string
}

// URLSpec returns the stage as FineWeb used it.
//
//	soft_word_threshold  drop at this number of different soft words
//
// Recipes that pin the block-lists of datatrove 0.10.1 name assets.Domains030
// and assets.URLs030 in the place of the first two.
func URLSpec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name:   "url",
		Params: map[string]string{"soft_word_threshold": "2"},
		Assets: assets.MustPin(assets.Domains, assets.URLs, assets.BannedWords, assets.BannedSubwords, assets.SoftBannedWords),
	}
}

// NewURL builds the stage with the files in assetsDir, whose hashes must be
// those of the spec: one entry a line, those that begin with # do not count.
// Without them the error is an *assets.MissingError.
func NewURL(spec pipeline.StageSpec, assetsDir string) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	u := &URL{softThreshold: p.Int("soft_word_threshold")}
	if err := p.Err(); err != nil {
		return nil, err
	}
	files, err := assets.Read(spec, assetsDir)
	if err != nil {
		return nil, err
	}
	// list returns the one file of the recipe that goes by any of the names.
	list := func(names ...string) []byte {
		var found [][]byte
		for _, name := range names {
			if data, ok := files[name]; ok {
				found = append(found, data)
			}
		}
		if len(found) != 1 {
			err = fmt.Errorf("stage %s: the recipe pins %d files %s instead of one", spec.Name, len(found), names[0])
			return nil
		}
		return found[0]
	}
	domains, urls := list(assets.Domains, assets.Domains030), list(assets.URLs, assets.URLs030)
	hard, subs, soft := list(assets.BannedWords), list(assets.BannedSubwords), list(assets.SoftBannedWords)
	if err != nil {
		return nil, err
	}
	u.domains, u.urls = newLineSet(domains), newLineSet(urls)
	u.hard, u.soft = wordSet(hard), wordSet(soft)
	u.subs = slices.Sorted(maps.Keys(wordSet(subs)))
	return u, nil
}

// wordSet returns the entries of a list, each reduced to its letters and digits
// in lower case.
func wordSet(data []byte) map[string]struct{} {
	set := make(map[string]struct{})
	for line := range bytes.Lines(data) {
		if word := letters(string(line)); word != "" && line[0] != '#' {
			set[word] = struct{}{}
		}
	}
	return set
}

// letters returns the ASCII letters and digits of s, in lower case.
func letters(s string) string {
	kept := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; isAlnum(c) {
			if c >= 'A' && c <= 'Z' {
				c |= 0x20
			}
			kept = append(kept, c)
		}
	}
	return string(kept)
}

// Name is "url".
func (*URL) Name() string { return "url" }

// Process checks, in this order, for the reasons domain, subdomain, url,
// hard_blacklisted, soft_blacklisted and blacklisted_subword. The value is the
// number of soft words, and 0 for other reasons.
func (u *URL) Process(d *pipeline.Document) *pipeline.Drop {
	registered, whole := domains(hostOf(d.URL))
	switch {
	case u.domains.has(registered):
		return drop("domain", 0)
	case u.domains.has(whole):
		return drop("subdomain", 0)
	case u.urls.has(d.URL):
		return drop("url", 0)
	}
	hard, soft := u.count(d.URL)
	switch {
	case hard:
		return drop("hard_blacklisted", 0)
	case soft >= u.softThreshold:
		return drop("soft_blacklisted", float64(soft))
	case containsAny(letters(d.URL), u.subs):
		return drop("blacklisted_subword", 0)
	}
	return nil
}

// count reports whether a hard word is among the runs of ASCII letters and
// digits of a URL, and how many different soft words are.
func (u *URL) count(url string) (hard bool, soft int) {
	var seen []string
	for i := 0; i < len(url); {
		start := i
		for i < len(url) && isAlnum(url[i]) {
			i++
		}
		word := url[start:i]
		i++
		if _, hard = u.hard[word]; hard {
			return true, 0
		}
		if _, ok := u.soft[word]; ok && !slices.Contains(seen, word) {
			seen = append(seen, word)
		}
	}
	return false, len(seen)
}
