// Package contract holds the texts and rows that pass between parties who need
// not trust each other: receipt, manifest, claim log, claim, signed requests,
// rows of shards and ledgers. Plain types with their codecs and their
// validation; what a value means is decided elsewhere.
//
// Conventions: hashes are 64 lower-case hex digits of SHA-256 without prefix,
// signatures are 128 lower-case hex digits of sr25519, hotkeys are SS58
// addresses (prefix 42), decimals are strings.
package contract

import (
	"errors"
	"fmt"
	"regexp"
)

// ErrInvalid is wrapped by every refusal of a value that came from outside.
var ErrInvalid = errors.New("invalid")

var (
	hex64    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	hex128   = regexp.MustCompile(`^[0-9a-f]{128}$`)
	hotkeyRE = regexp.MustCompile(`^[1-9A-HJ-NP-Za-km-z]{46,49}$`)
	crawlRE  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	taskRE   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}-[0-9]{6}$`)
	recipeRE = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
)

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}

// TaskID returns the id of the task with this number in a crawl.
func TaskID(crawl string, number int) string { return fmt.Sprintf("%s-%06d", crawl, number) }

// LocalTask is the task name of a manifest that no receipt stands behind.
const LocalTask = "local"

// ValidCrawl reports whether name can name a crawl, or a dump, in paths.
func ValidCrawl(name string) bool { return crawlRE.MatchString(name) }

// ValidHotkey reports whether address has the form of an SS58 address; its
// checksum is not checked.
func ValidHotkey(address string) bool { return hotkeyRE.MatchString(address) }
