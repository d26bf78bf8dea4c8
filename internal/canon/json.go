// Package canon gives every value that is hashed or signed exactly one byte
// form: RFC 8785 canonical JSON and RFC 6962 Merkle trees over its SHA-256.
package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
	if !json.Valid(raw) {
		return nil, fmt.Errorf("canonicalize JSON: %w", json.Unmarshal(raw, new(json.RawMessage)))
	}
	c := canonicalizer{in: raw, out: make([]byte, 0, len(raw))}
	if err := c.value(0); err != nil {
		return nil, fmt.Errorf("canonicalize JSON: %w", err)
	}
	return c.out, nil
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
