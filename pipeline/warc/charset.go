package warc

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/wlynxg/chardet"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

const (
	// guessWindow is how much of a page its encoding is guessed from. More does
	// not make guesses better by much, and guessing is slow.
	guessWindow = 16 << 10
	// guessLead is how much of it lies before the first byte that is not ASCII.
	guessLead = 1 << 10
)

// decodeText returns body as UTF-8, or a Problem.
//
// Valid UTF-8 is taken as it is, whatever anyone declares. Else the encoding is
// that of the byte order mark, the Content-Type or a <meta> tag in the first
// 1024 bytes, and if none of them is there or true, a guess; windows-1252 and
// what stands for it, such as iso-8859-1, count as not declared, as that is what
// the library assumes where nothing is. As the reference pipeline does, a page
// that its encoding cannot decode without error is not read: replacing what does
// not fit would bring damaged words into the text. Only a character cut off at
// the end is forgiven, as crawlers cut long pages.
//
// UTF-16 without a byte order mark is valid UTF-8 as long as it is English, with
// NULs between the letters; a tag in it gives it away.
func decodeText(body []byte, contentType string) (text, problem string) {
	if e := markless(body); e != nil {
		if text, ok := decodeWith(e, body); ok {
			return text, ""
		}
	}
	if whole := trimPartialRune(body); utf8.Valid(whole) {
		return string(whole), ""
	}
	declared, name, _ := charset.DetermineEncoding(body, contentType)
	isDefault := declared == encoding.Nop || declared == encoding.Encoding(charmap.Windows1252)
	if !isDefault && name != "utf-8" {
		if text, ok := decodeWith(declared, body); ok {
			return text, ""
		}
	}
	guessed, name := charset.Lookup(guess(body))
	if guessed == nil || name == "utf-8" {
		return "", ProblemCharset
	}
	if text, ok := decodeWith(guessed, body); ok {
		return text, ""
	}
	return "", ProblemCharset
}

// markless returns the encoding of a page in UTF-16 that begins with a tag, and
// nil for any other.
func markless(body []byte) encoding.Encoding {
	switch {
	case bytes.HasPrefix(body, []byte("<\x00")):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case bytes.HasPrefix(body, []byte("\x00<")):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	return nil
}

// trimPartialRune cuts a UTF-8 sequence without its end off the end of b.
func trimPartialRune(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-n:]) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}

// decodeWith decodes all of body, or reports that it is not in that encoding.
func decodeWith(e encoding.Encoding, body []byte) (string, bool) {
	decoded, err := e.NewDecoder().Bytes(body)
	if err != nil {
		return "", false
	}
	text := strings.TrimSuffix(string(decoded), "\uFFFD")
	return text, text != "" && utf8.ValidString(text) && !strings.Contains(text, "\uFFFD")
}

// guess returns the likely name of body's encoding from the bytes around the
// first one that is not ASCII, or nothing.
func guess(body []byte) string {
	from := 0
	for from < len(body) && body[from] < utf8.RuneSelf {
		from++
	}
	from = max(0, from-guessLead)
	switch name := chardet.Detect(body[from:min(len(body), from+guessWindow)]).Charset; name {
	case "CP932": // names that the Encoding Standard does not know
		return "shift_jis"
	case "CP949":
		return "euc-kr"
	default:
		return name
	}
}
