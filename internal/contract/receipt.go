package contract

import (
	"strings"
	"unicode/utf8"
)

// InputFile is one WARC file as a receipt names it.
type InputFile struct {
	// Path is relative to the crawl's base, as in warc.paths.
	Path string `json:"path"`
	// Bytes is the size of the file as stored.
	Bytes int64 `json:"bytes"`
}

// RecipeRef names a recipe beyond doubt.
type RecipeRef struct {
	Name string `json:"name"`
	// Hash is the SHA-256 of the recipe's canonical JSON.
	Hash string `json:"hash"`
}

// Receipt is a lease as the task server signed it (context "substrate", over
// the canonical JSON without the signature).
type Receipt struct {
	V               int         `json:"v"`
	Task            string      `json:"task"`
	Crawl           string      `json:"crawl"`
	CatalogueSHA256 string      `json:"catalogue_sha256"`
	Files           []InputFile `json:"files"`
	Recipe          RecipeRef   `json:"recipe"`
	Hotkey          string      `json:"hotkey"`
	Generation      int64       `json:"generation"`
	Block           uint64      `json:"block"`
	BlockHash       string      `json:"block_hash"`
	DeadlineBlock   uint64      `json:"deadline_block"`
	Server          string      `json:"server"`
	Signature       string      `json:"signature,omitempty"`
}

// Unsigned returns the receipt without its signature: what is signed.
func (r Receipt) Unsigned() Receipt {
	r.Signature = ""
	return r
}

// Bytes returns the compressed bytes of all files: the work of the task.
func (r Receipt) Bytes() int64 {
	var n int64
	for _, f := range r.Files {
		n += f.Bytes
	}
	return n
}

// Validate checks the form of the receipt, not its signature.
func (r Receipt) Validate() error {
	switch {
	case r.V != 1:
		return invalid("receipt version %d", r.V)
	case !taskRE.MatchString(r.Task):
		return invalid("receipt task %.80q", r.Task)
	case !crawlRE.MatchString(r.Crawl) || r.Task[:len(r.Task)-len("-000000")] != r.Crawl:
		return invalid("receipt crawl %.80q", r.Crawl)
	case !hex64.MatchString(r.CatalogueSHA256):
		return invalid("receipt catalogue hash")
	case len(r.Files) == 0 || len(r.Files) > MaxInputs:
		return invalid("receipt names %d files", len(r.Files))
	case !recipeRE.MatchString(r.Recipe.Name) || !hex64.MatchString(r.Recipe.Hash):
		return invalid("receipt recipe")
	case !hotkeyRE.MatchString(r.Hotkey):
		return invalid("receipt hotkey %.80q", r.Hotkey)
	case r.Generation < 1:
		return invalid("receipt generation %d", r.Generation)
	case !hex64.MatchString(r.BlockHash):
		return invalid("receipt block hash")
	case r.DeadlineBlock <= r.Block:
		return invalid("receipt deadline %d is not after block %d", r.DeadlineBlock, r.Block)
	case !hotkeyRE.MatchString(r.Server):
		return invalid("receipt server key %.80q", r.Server)
	case r.Signature != "" && !hex128.MatchString(r.Signature):
		return invalid("receipt signature")
	}
	seen := make(map[string]bool, len(r.Files))
	for _, f := range r.Files {
		if !ValidPath(f.Path) || f.Bytes <= 0 || f.Bytes > 1<<40 || seen[f.Path] {
			return invalid("receipt file %.120q of %d bytes", f.Path, f.Bytes)
		}
		seen[f.Path] = true
	}
	return nil
}

// ValidPath reports whether p is a plain relative path: it cannot leave the
// folder it is joined to and reads the same everywhere.
func ValidPath(p string) bool {
	if p == "" || len(p) > 1024 || p[0] == '/' || !utf8.ValidString(p) {
		return false
	}
	for i := 0; i < len(p); i++ {
		if p[i] < 0x20 || p[i] == 0x7f || p[i] == '\\' {
			return false
		}
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}
