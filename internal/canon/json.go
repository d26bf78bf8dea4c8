// Package canon gives every value that is hashed or signed exactly one byte
// form: RFC 8785 canonical JSON and RFC 6962 Merkle trees over its SHA-256.
package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth bounds the nesting of a value, so that hostile text cannot exhaust
// the stack.
const MaxDepth = 32

// ErrNotCanonical says that bytes are JSON, but not in canonical form.
var ErrNotCanonical = errors.New("not canonical JSON")

// maxInteger is the largest integer that no other integer is mistaken for in
// float64 arithmetic: 2⁵³ − 1 (RFC 7493 section 2.2).
const maxInteger = 1<<53 - 1

// Marshal returns the canonical JSON of v: object keys sorted by UTF-16 code
// units, no white space, the shortest escapes. Numbers must be integers of
// magnitude below 2⁵³; contracts write decimals as strings, so a fraction is an
// error. So is a string that is not UTF-8, which encoding/json would change
// silently.
func Marshal(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("marshal canonical JSON: %w", err)
	}
	// encoding/json escapes U+FFFD only where it stands in for bytes that are
	// not UTF-8; a real one is copied.
	if err := checkEscapes(raw, utf8.RuneError); err != nil {
		return nil, fmt.Errorf("marshal canonical JSON: %w", err)
	}
	return Canonicalize(raw)
}

// Canonicalize returns the canonical form of one JSON text. A surrogate without
// its other half is an error, as RFC 8785 section 3.2.2.2 wants.
func Canonicalize(raw []byte) ([]byte, error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("canonicalize JSON: not UTF-8")
	}
	if err := checkEscapes(raw, -1); err != nil {
		return nil, fmt.Errorf("canonicalize JSON: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var out bytes.Buffer
	if err := encodeNext(&out, dec, 0); err != nil {
		return nil, fmt.Errorf("canonicalize JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("canonicalize JSON: text after the value")
	}
	return out.Bytes(), nil
}

// Unmarshal decodes canonical JSON into v, which must be a pointer. Unknown
// fields, duplicate keys, trailing text and every non-canonical spelling are
// refused, so that one value has one spelling and one hash.
func Unmarshal(raw []byte, v any) error {
	want, err := Canonicalize(raw)
	if err != nil {
		return err
	}
	if !bytes.Equal(want, raw) {
		return ErrNotCanonical
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("decode JSON: %w", err)
	}
	// encoding/json matches field names without regard to case and drops what
	// it cannot place; only a value that encodes back to the same bytes is the
	// value that was hashed.
	back, err := Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(back, raw) {
		return fmt.Errorf("%w: fields are missing, misspelt or out of range", ErrNotCanonical)
	}
	return nil
}

// checkEscapes refuses lone surrogates and the escape of forbidden, which
// encoding/json both decodes to U+FFFD without a word.
func checkEscapes(raw []byte, forbidden rune) error {
	for i := bytes.IndexByte(raw, '\\'); i >= 0 && i < len(raw); {
		r := unicodeEscape(raw[i:])
		size := len(`\n`)
		if r >= 0 {
			size = len(`\u0000`)
		}
		switch {
		case r < 0:
		case r == forbidden:
			return errors.New("string is not UTF-8")
		case utf16.IsSurrogate(r):
			if utf16.DecodeRune(r, unicodeEscape(raw[i+size:])) == utf8.RuneError {
				return fmt.Errorf("surrogate %.6s stands alone", raw[i:])
			}
			size *= 2
		}
		i = min(i+size, len(raw))
		next := bytes.IndexByte(raw[i:], '\\')
		if next < 0 {
			return nil
		}
		i += next
	}
	return nil
}

// unicodeEscape returns the code unit of the \uXXXX that raw starts with, or −1.
func unicodeEscape(raw []byte) rune {
	if len(raw) < len(`\u0000`) || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(raw[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

type member struct {
	key   string
	value []byte
}

func encodeNext(out *bytes.Buffer, dec *json.Decoder, depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	switch t := tok.(type) {
	case json.Delim:
		if t == '{' {
			return encodeObject(out, dec, depth)
		}
		return encodeArray(out, dec, depth)
	case string:
		encodeString(out, t)
	case json.Number:
		n, err := strconv.ParseInt(t.String(), 10, 64)
		if err != nil || n > maxInteger || n < -maxInteger {
			return fmt.Errorf("number %.40s is not an integer below 2^53", t)
		}
		out.WriteString(strconv.FormatInt(n, 10))
	case bool:
		out.WriteString(strconv.FormatBool(t))
	case nil:
		out.WriteString("null")
	}
	return nil
}

func encodeArray(out *bytes.Buffer, dec *json.Decoder, depth int) error {
	out.WriteByte('[')
	for i := 0; dec.More(); i++ {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := encodeNext(out, dec, depth+1); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	out.WriteByte(']')
	return err
}

func encodeObject(out *bytes.Buffer, dec *json.Decoder, depth int) error {
	var members []member
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		var value bytes.Buffer
		if err := encodeNext(&value, dec, depth+1); err != nil {
			return err
		}
		members = append(members, member{key.(string), value.Bytes()})
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	slices.SortFunc(members, func(a, b member) int { return compareUTF16(a.key, b.key) })
	out.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			if m.key == members[i-1].key {
				return fmt.Errorf("duplicate key %.40q", m.key)
			}
			out.WriteByte(',')
		}
		encodeString(out, m.key)
		out.WriteByte(':')
		out.Write(m.value)
	}
	out.WriteByte('}')
	return nil
}

// compareUTF16 orders keys by UTF-16 code units, as RFC 8785 section 3.2.3 wants.
func compareUTF16(a, b string) int {
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

// encodeString writes s with the escapes of RFC 8785 section 3.2.2.2.
func encodeString(out *bytes.Buffer, s string) {
	const hexDigits = "0123456789abcdef"
	out.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c == '\b':
			out.WriteString(`\b`)
		case c == '\f':
			out.WriteString(`\f`)
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\r':
			out.WriteString(`\r`)
		case c == '\t':
			out.WriteString(`\t`)
		case c < 0x20:
			out.WriteString(`\u00`)
			out.WriteByte(hexDigits[c>>4])
			out.WriteByte(hexDigits[c&15])
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('"')
}
