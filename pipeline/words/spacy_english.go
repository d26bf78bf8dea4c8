package words

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed data/spacy_english.json
var spaCyEnglishTables []byte

// spaCyEnglish returns spaCy's rules for English.
var spaCyEnglish = sync.OnceValue(func() *spaCyRules {
	rules, err := readSpaCyRules(spaCyEnglishTables)
	if err != nil {
		panic(fmt.Sprintf("tables compiled into the program: %v", err))
	}
	return rules
})

// spaCyRules is what spaCy's tokenizer knows of a language.
type spaCyRules struct {
	// exceptions holds the chunks that are cut in a way of their own: the lengths
	// of their tokens in bytes.
	exceptions map[string][]int
	// maybeException has the bit of each exception's sketch set, so that most
	// words need no look-up.
	maybeException [1 << 16 / 64]uint64
	// longestException is the length in bytes of the longest of them.
	longestException int
	// afterDigit holds what is cut off behind a digit: units and currencies.
	afterDigit        map[string]struct{}
	longestAfterDigit int
	classes           classTable
	phrases           phrases
}

// class is a set of properties of a character.
type class uint16

const (
	letter  class = 1 << iota // spaCy's own list of letters
	lower                     // lower-case letters, and those without case
	upper                     // upper-case letters, and those without case
	digit                     // 0 to 9
	quote                     // quotation marks
	icon                      // symbols, among them most emoji
	opens                     // cut off the start of a chunk
	closes                    // cut off the end of a chunk
	settles                   // a period at the end of a chunk is cut off after it
	joins                     // may stand between two tokens within a chunk
	ends                      // ends sentences
)

// readSpaCyRules reads the tables that data/spacy_english.py writes.
func readSpaCyRules(raw []byte) (*spaCyRules, error) {
	var tables struct {
		Alpha, Lower, Upper, Icons           string
		Quotes, Punctuation, Currency, Units []string
		SentenceEnds                         []string `json:"sentence_ends"`
		Exceptions                           map[string][]string
	}
	if err := json.Unmarshal(raw, &tables); err != nil {
		return nil, fmt.Errorf("read spaCy's tables: %w", err)
	}
	rules := &spaCyRules{
		exceptions: make(map[string][]int, len(tables.Exceptions)),
		afterDigit: map[string]struct{}{"+": {}},
	}
	c := &rules.classes
	for _, t := range []struct {
		ranges string
		class  class
	}{
		{tables.Alpha, letter},
		{tables.Lower, lower | settles},
		{tables.Upper, upper},
		{tables.Icons, icon | opens | closes | joins},
		{"30-39", digit | settles},
	} {
		if err := c.addRanges(t.ranges, t.class); err != nil {
			return nil, fmt.Errorf("read spaCy's tables: %w", err)
		}
	}
	c.addWords(tables.Quotes, quote|opens|closes|settles)
	c.addWords(tables.Punctuation, opens|closes|settles)
	c.addWords(tables.Currency, opens)
	c.addWords(tables.SentenceEnds, ends)
	c.addString("§%=—–", opens)
	c.addString("—–", closes)
	// The bar came in with a list that was joined for an alternative but is used
	// as a class.
	c.addString("%²-+|", settles)
	c.addString(".…+-*^,–—~:<>=/", joins)

	for _, word := range append(tables.Currency, tables.Units...) {
		rules.afterDigit[word] = struct{}{}
		rules.longestAfterDigit = max(rules.longestAfterDigit, len(word))
	}
	for chunk, tokens := range tables.Exceptions {
		lengths := make([]int, len(tokens))
		for i, t := range tokens {
			lengths[i] = len(t)
		}
		rules.exceptions[chunk] = lengths
		if chunk == "" {
			return nil, errors.New("read spaCy's tables: an exception is empty")
		}
		word, bit := sketch(chunk)
		rules.maybeException[word] |= bit
		rules.longestException = max(rules.longestException, len(chunk))
	}
	rules.phrases = rules.newPhrases()
	return rules, nil
}

// sketch maps s, which is not empty, to a bit of maybeException, by its length
// and three of its bytes (multiplicative hashing).
func sketch(s string) (word int, bit uint64) {
	key := uint32(len(s)) ^ uint32(s[0])<<8 ^ uint32(s[len(s)/2])<<16 ^ uint32(s[len(s)-1])<<24
	hash := key * 0x9e3779b1 >> 16
	return int(hash / 64), 1 << (hash % 64)
}

// exception returns the lengths of the tokens of s if it is an exception.
func (r *spaCyRules) exception(s string) (lengths []int, ok bool) {
	if s == "" || len(s) > r.longestException {
		return nil, false
	}
	if word, bit := sketch(s); r.maybeException[word]&bit == 0 {
		return nil, false
	}
	lengths, ok = r.exceptions[s]
	return lengths, ok
}

func (r *spaCyRules) isException(s string) bool {
	_, ok := r.exception(s)
	return ok
}

// endsSentence reports whether word is a character that ends sentences.
func (r *spaCyRules) endsSentence(word string) bool {
	c, size := r.classes.first(word)
	return c&ends != 0 && size == len(word)
}

// classTable holds the properties of every character.
type classTable struct {
	ascii [utf8.RuneSelf]class
	pages [(utf8.MaxRune + 1) / 256]*[256]class // nil: without properties
}

func (t *classTable) of(r rune) class {
	if page := t.pages[r>>8]; page != nil {
		return page[r&0xff]
	}
	return 0
}

// first returns the properties of the first character of s and its length; 0, 0
// for the empty string. A byte that is no UTF-8 counts as U+FFFD.
func (t *classTable) first(s string) (class, int) {
	if s == "" {
		return 0, 0
	}
	if s[0] < utf8.RuneSelf {
		return t.ascii[s[0]], 1
	}
	r, size := utf8.DecodeRuneInString(s)
	return t.of(r), size
}

// last returns the properties of the last character of s and its length.
func (t *classTable) last(s string) (class, int) {
	if s == "" {
		return 0, 0
	}
	if c := s[len(s)-1]; c < utf8.RuneSelf {
		return t.ascii[c], 1
	}
	r, size := utf8.DecodeLastRuneInString(s)
	return t.of(r), size
}

func (t *classTable) add(r rune, c class) {
	if r < utf8.RuneSelf {
		t.ascii[r] |= c
	}
	page := &t.pages[r>>8]
	if *page == nil {
		*page = new([256]class)
	}
	(*page)[r&0xff] |= c
}

func (t *classTable) addString(s string, c class) {
	for _, r := range s {
		t.add(r, c)
	}
}

// addWords gives c to the words that are one character.
func (t *classTable) addWords(words []string, c class) {
	for _, w := range words {
		if utf8.RuneCountInString(w) == 1 {
			t.addString(w, c)
		}
	}
}

// addRanges gives c to ranges of characters as in "41-5A 61-7A".
func (t *classTable) addRanges(ranges string, c class) error {
	for r := range strings.SplitSeq(ranges, " ") {
		first, last, ok := strings.Cut(r, "-")
		lo, errLow := strconv.ParseUint(first, 16, 32)
		hi, errHigh := strconv.ParseUint(last, 16, 32)
		if !ok || errLow != nil || errHigh != nil || hi > utf8.MaxRune {
			return fmt.Errorf("%q is no range of characters", r)
		}
		for char := rune(lo); char <= rune(hi); char++ {
			t.add(char, c)
		}
	}
	return nil
}
