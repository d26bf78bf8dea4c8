package filter

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"finest/internal/contract"
	"finest/pipeline"
)

// URL drops pages by their address alone: by lists of adult domains and URLs and
// by words in the URL (Penedo et al. 2023, RefinedWeb, appendix G.1; datatrove
// 0.2.0).
//
// Comparisons with domains and URLs mind case, scheme and every slash, and so
// does the comparison with words, whose lists are lower case; only sub-words are
// looked for in the URL in lower case.
type URL struct {
	softThreshold    int
	domains, urls    *lineSet
	hard, soft, subs []string
}

// The files that the stage reads from the assets folder. The first two are the
// category "adult" of the block-lists of Université Toulouse Capitole (UT1, CC
// BY-SA), as the archive url_filterblacklists.tar.gz in datatrove 0.2.0 holds
// them; the others are text files of that package (Apache-2.0). One entry a
// line; lines that begin with # do not count.
const (
	domainsFile    = "domains"
	urlsFile       = "urls"
	wordsFile      = "banned_words.txt"
	subwordsFile   = "banned_subwords.txt"
	softFile       = "soft_banned_words.txt"
	domainsSHA256  = "d6c71c68acd2f7d28103f4a61614cfe73569060ca776b5bfa1bec5bf2843db62"
	urlsSHA256     = "3b9ae61148028061098bb3c0765104296e0a658fec080e761e20f708d0923799"
	wordsSHA256    = "7aae5109ccc4d8357167168fa3a91331fa2fafd8eb8cc9c38cc9147c2610fab0"
	subwordsSHA256 = "4770445cd8d2b16495efde88bc4efc3a520bdc0f3137d14d85cd3d89b194a232"
	softSHA256     = "e5043030accca33b0e368a693997576beea4c58279da641bff40b4e02281b063"
)

// URLSpec returns the stage as FineWeb used it.
//
//	soft_word_threshold  drop at this number of different soft words
func URLSpec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name:   "url",
		Params: map[string]string{"soft_word_threshold": "2"},
		Assets: []contract.Asset{
			{Name: domainsFile, SHA256: domainsSHA256},
			{Name: urlsFile, SHA256: urlsSHA256},
			{Name: wordsFile, SHA256: wordsSHA256},
			{Name: subwordsFile, SHA256: subwordsSHA256},
			{Name: softFile, SHA256: softSHA256},
		},
	}
}

// NewURL builds the stage with the files in assetsDir, whose hashes must be
// those of the spec. Without them the error is a *MissingAssetError.
func NewURL(spec pipeline.StageSpec, assetsDir string) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	u := &URL{softThreshold: p.Int("soft_word_threshold")}
	if err := p.Err(); err != nil {
		return nil, err
	}
	files, err := readAssets(spec, assetsDir)
	if err != nil {
		return nil, err
	}
	for _, a := range URLSpec().Assets {
		if _, ok := files[a.Name]; !ok {
			return nil, fmt.Errorf("stage %s: the recipe pins no file %s", spec.Name, a.Name)
		}
	}
	u.domains = newLineSet(files[domainsFile])
	u.urls = newLineSet(files[urlsFile])
	u.hard = wordList(files[wordsFile])
	u.subs = wordList(files[subwordsFile])
	u.soft = wordList(files[softFile])
	return u, nil
}

// wordList returns the different entries of a list, each reduced to its letters
// and digits in lower case.
func wordList(data []byte) []string {
	var list []string
	for line := range bytes.Lines(data) {
		if line[0] == '#' {
			continue
		}
		if word := letters(string(line)); word != "" {
			list = append(list, word)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
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
	inURL := make(map[string]struct{})
	for _, w := range strings.FieldsFunc(d.URL, func(r rune) bool { return r >= 0x80 || !isAlnum(byte(r)) }) {
		inURL[w] = struct{}{}
	}
	if countIn(inURL, u.hard) > 0 {
		return drop("hard_blacklisted", 0)
	}
	if soft := countIn(inURL, u.soft); soft >= u.softThreshold {
		return drop("soft_blacklisted", float64(soft))
	}
	if containsAny(letters(d.URL), u.subs) {
		return drop("blacklisted_subword", 0)
	}
	return nil
}

// countIn returns how many words of a list are in a set.
func countIn(set map[string]struct{}, list []string) int {
	n := 0
	for _, w := range list {
		if _, ok := set[w]; ok {
			n++
		}
	}
	return n
}
