// Package dateparser stands in for the parser with which the extraction library
// would look for the date of a page. It parses nothing.
package dateparser

import (
	"errors"
	"time"
)

// ParserType names a way to parse; there is none.
type ParserType int

// The ways that the library asks for.
const (
	CustomFormat ParserType = iota
	AbsoluteTime
)

// PreferredDateSource says how to complete a date; it is not used.
type PreferredDateSource int

// Past is the choice that the library makes.
const Past PreferredDateSource = 0

// Configuration has the settings that the library makes.
type Configuration struct {
	PreferredDateSource PreferredDateSource
	StrictParsing       bool
}

// Date is what a parser returns.
type Date struct{ Time time.Time }

// Parser is the library's parser of last resort.
type Parser struct{ ParserTypes []ParserType }

// ErrNone is the only answer of Parse.
var ErrNone = errors.New("no date is looked for")

// Parse returns ErrNone.
func (*Parser) Parse(*Configuration, string, ...string) (Date, error) { return Date{}, ErrNone }
