package filter

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"finest/pipeline"
	"finest/pipeline/assets"
	"finest/pipeline/words"
)

// C4BadWords drops text that holds a word of a list of obscene words: the rule
// of C4 (Raffel et al. 2020, section 2.2) with its lists (LDNOOBW), as datatrove
// 0.10.1 has it. FineWeb did not use it.
//
// Words are matched as the list spells them against the text in lower case, so
// an entry with a capital matches nothing.
type C4BadWords struct {
	lists           map[string]*wordList // by language
	defaultLanguage string
	keepFraction    float64
}

// C4BadWordsSpec returns the stage for English. Its assets are one list per
// language, a word or phrase a line; text in a language without one stays.
//
//	languages         the languages that have a list
//	default_language  the language of text for which no stage found one
//	keep_fraction     share of the texts that stay although they hold such a word,
//	                  drawn by the record's id; the reference draws from a
//	                  generator that runs on from document to document
func C4BadWordsSpec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: "c4_badwords",
		Params: map[string]string{
			"languages":        "en",
			"default_language": "en",
			"keep_fraction":    "0",
		},
		Assets: assets.MustPin(assets.BadWords("en")),
	}
}

// NewC4BadWords builds the stage with the lists in assetsDir, which are named as
// assets.BadWords does.
func NewC4BadWords(spec pipeline.StageSpec, assetsDir string) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	b := &C4BadWords{
		lists:           make(map[string]*wordList),
		defaultLanguage: p.String("default_language"),
		keepFraction:    p.Float("keep_fraction"),
	}
	languages := p.List("languages")
	if err := p.Err(); err != nil {
		return nil, err
	}
	if len(languages) == 0 {
		return nil, fmt.Errorf("stage %s: parameter languages: is empty", spec.Name)
	}
	files, err := assets.Read(spec, assetsDir)
	if err != nil {
		return nil, err
	}
	for _, language := range languages {
		name := assets.BadWords(language)
		data, ok := files[name]
		if !ok {
			return nil, fmt.Errorf("stage %s: the recipe pins no asset %s for language %s", spec.Name, name, language)
		}
		if !utf8.Valid(data) {
			return nil, fmt.Errorf("stage %s: asset %s: is not UTF-8", spec.Name, name)
		}
		b.lists[language] = newWordList(string(data), slices.Contains(unspacedLanguages, language))
	}
	if len(files) != len(b.lists) {
		return nil, fmt.Errorf("stage %s: %d assets for %d languages", spec.Name, len(files), len(b.lists))
	}
	return b, nil
}

// Name is "c4_badwords".
func (*C4BadWords) Name() string { return "c4_badwords" }

// Process drops for the reason document_removed_with_badwords; the value is the
// number of characters before the first such word.
func (b *C4BadWords) Process(d *pipeline.Document) *pipeline.Drop {
	language := d.Language
	if language == "" {
		language = b.defaultLanguage
	}
	list, ok := b.lists[language]
	if !ok {
		return nil
	}
	text := words.Lower(d.Text)
	at := list.find(text)
	if at < 0 || b.keepFraction > 0 && draw(b.Name(), d.ID) < b.keepFraction {
		return nil
	}
	return drop("document_removed_with_badwords", float64(utf8.RuneCountInString(text[:at])))
}

// draw returns a number in [0, 1) that depends on the purpose and the record.
func draw(purpose, id string) float64 {
	sum := sha256.Sum256([]byte(purpose + "\x00" + id))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}

var (
	// unspacedLanguages put no space between words, so that entries match
	// anywhere.
	unspacedLanguages = []string{"ja", "th", "zh"}
	// allowedWords are entries that are parts of too many harmless words; they are
	// left out of every list.
	allowedWords = []string{"sm", "グロ", "女の子", "性"}
)

// wordList finds words and phrases in a text.
type wordList struct {
	byFirst  map[rune][]string
	anywhere bool // not only between characters that belong to no word
}

// newWordList reads a list of one entry a line.
func newWordList(lines string, anywhere bool) *wordList {
	l := &wordList{byFirst: make(map[rune][]string), anywhere: anywhere}
	for line := range strings.Lines(lines) {
		entry := words.TrimSpace(line)
		if entry == "" || slices.Contains(allowedWords, entry) {
			continue
		}
		first, _ := utf8.DecodeRuneInString(entry)
		l.byFirst[first] = append(l.byFirst[first], entry)
	}
	return l
}

// find returns the offset of the first entry in text, or −1.
func (l *wordList) find(text string) int {
	afterWord := false
	for at, r := range text {
		if l.anywhere || !afterWord {
			for _, entry := range l.byFirst[r] {
				if strings.HasPrefix(text[at:], entry) && (l.anywhere || !startsWithWord(text[at+len(entry):])) {
					return at
				}
			}
		}
		afterWord = words.IsWord(r)
	}
	return -1
}

func startsWithWord(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size > 0 && words.IsWord(r)
}
