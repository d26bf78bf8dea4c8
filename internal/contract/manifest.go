package contract

import (
	"cmp"
	"strings"
	"unicode/utf8"
)

// ManifestVersion is the version of the manifest's form.
const ManifestVersion = 1

// Limits of a manifest, the first of a receipt too.
const (
	// MaxInputs bounds the WARC files of a task.
	MaxInputs = 1024
	maxFiles  = 4096
)

// Manifest says what was done in one task, from which bytes, into which files.
// It is RFC 8785 canonical JSON; timings never enter it.
type Manifest struct {
	Version         int    `json:"version"`
	PipelineVersion int    `json:"pipeline_version"`
	Task            string `json:"task"`
	Dump            string `json:"dump"`
	Recipe          Recipe `json:"recipe"`
	// Receipt is absent when no task server stands behind the manifest.
	Receipt *Receipt     `json:"receipt,omitempty"`
	Inputs  []Input      `json:"inputs"`
	Files   []OutputFile `json:"files"`
	// Counts are the funnel: documents by outcome and reason, sorted.
	Counts []Count `json:"counts"`
	// RowsRoot and LedgerRoot are RFC 6962 roots over the rows of all shards
	// and of all ledger files, in order.
	RowsRoot   string `json:"rows_root"`
	LedgerRoot string `json:"ledger_root"`
	Hotkey     string `json:"hotkey,omitempty"`
	Signature  string `json:"signature,omitempty"`
}

// Input is one WARC file that was read, in the order of the receipt.
type Input struct {
	Path string `json:"path"`
	// Bytes and SHA256 are of the file as stored.
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Records counts WARC records that could be read, Pages the HTML pages
	// among them.
	Records int64 `json:"records"`
	Pages   int64 `json:"pages"`
}

// ValidInputPath reports whether a manifest can name an input so. Those of a
// receipt are narrower: see ValidPath.
func ValidInputPath(p string) bool { return p != "" && len(p) <= 1024 && utf8.ValidString(p) }

// OutputFile is one Parquet file of the task; paths start with data/ or ledger/.
type OutputFile struct {
	Path      string     `json:"path"`
	Rows      int64      `json:"rows"`
	Bytes     int64      `json:"bytes"`
	SHA256    string     `json:"sha256"`
	RowGroups []RowGroup `json:"row_groups"`
	Footer    Span       `json:"footer"`
}

// RowGroup is the byte range of a Parquet row group.
type RowGroup struct {
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

// Span is a hashed byte range of a file.
type Span struct {
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	SHA256 string `json:"sha256"`
}

// Count is one line of the funnel.
type Count struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
	Rows    int64  `json:"rows"`
}

// Compare orders counts by outcome, then reason.
func (c Count) Compare(o Count) int {
	return cmp.Or(strings.Compare(c.Outcome, o.Outcome), strings.Compare(c.Reason, o.Reason))
}

// Unsigned returns the manifest without its signature: what is signed.
func (m Manifest) Unsigned() Manifest {
	m.Signature = ""
	return m
}

// Shards returns the files with kept documents, Ledgers those of the ledger.
func (m Manifest) Shards() []OutputFile { return m.filesUnder("data/") }

// Ledgers returns the ledger files in order.
func (m Manifest) Ledgers() []OutputFile { return m.filesUnder("ledger/") }

func (m Manifest) filesUnder(prefix string) []OutputFile {
	var out []OutputFile
	for _, f := range m.Files {
		if strings.HasPrefix(f.Path, prefix) {
			out = append(out, f)
		}
	}
	return out
}

// Validate checks the form of the manifest: sizes, paths, hashes, and that its
// parts agree. It checks no signature and reads no file.
func (m Manifest) Validate() error {
	switch {
	case m.Version != ManifestVersion:
		return invalid("manifest version %d", m.Version)
	case m.Task != LocalTask && !taskRE.MatchString(m.Task):
		return invalid("manifest task %.80q", m.Task)
	case !crawlRE.MatchString(m.Dump):
		return invalid("manifest dump %.80q", m.Dump)
	case len(m.Inputs) == 0 || len(m.Inputs) > MaxInputs:
		return invalid("manifest names %d inputs", len(m.Inputs))
	case len(m.Files) > maxFiles:
		return invalid("manifest names %d files", len(m.Files))
	case !hex64.MatchString(m.RowsRoot) || !hex64.MatchString(m.LedgerRoot):
		return invalid("manifest roots")
	case m.Hotkey != "" && !hotkeyRE.MatchString(m.Hotkey):
		return invalid("manifest hotkey %.80q", m.Hotkey)
	case m.Signature != "" && !hex128.MatchString(m.Signature):
		return invalid("manifest signature")
	case m.PipelineVersion != m.Recipe.PipelineVersion:
		return invalid("manifest has pipeline version %d, its recipe %d", m.PipelineVersion, m.Recipe.PipelineVersion)
	}
	if err := m.Recipe.Validate(); err != nil {
		return err
	}
	for _, in := range m.Inputs {
		if !ValidInputPath(in.Path) || in.Bytes < 0 || in.Records < 0 || in.Pages < 0 || !hex64.MatchString(in.SHA256) {
			return invalid("manifest input %.120q", in.Path)
		}
	}
	var shards, ledgers int
	for _, f := range m.Files {
		next, number := ShardPath(m.Dump, m.Task, shards), &shards
		if strings.HasPrefix(f.Path, "ledger/") {
			next, number = LedgerPath(m.Dump, m.Task, ledgers), &ledgers
		}
		if f.Path != next {
			return invalid("manifest lists file %.120q where %q comes next", f.Path, next)
		}
		*number++
		if err := f.validate(); err != nil {
			return err
		}
	}
	for i, c := range m.Counts {
		if c.Rows < 1 || i > 0 && m.Counts[i-1].Compare(c) >= 0 {
			return invalid("manifest counts are not sorted, or count %.80q %.80q is %d", c.Outcome, c.Reason, c.Rows)
		}
	}
	if m.Receipt != nil {
		return m.validateReceipt()
	}
	return nil
}

// maxRows bounds the rows of one file, so that sums cannot overflow.
const maxRows = 1 << 40

func (f OutputFile) validate() error {
	if f.Rows < 1 || f.Rows > maxRows || f.Bytes < 1 || f.Bytes > 1<<40 || !hex64.MatchString(f.SHA256) ||
		len(f.RowGroups) == 0 || len(f.RowGroups) > 1<<15 {
		return invalid("manifest file %.120q: sizes or hash", f.Path)
	}
	var rows, end int64
	for _, g := range f.RowGroups {
		if g.Rows < 1 || g.Rows > f.Rows || g.Offset < end || g.Length < 1 || g.Length > f.Bytes || g.Offset > f.Bytes-g.Length || !hex64.MatchString(g.SHA256) {
			return invalid("manifest file %.120q: row group", f.Path)
		}
		rows += g.Rows
		end = g.Offset + g.Length
	}
	if rows != f.Rows {
		return invalid("manifest file %.120q: %d rows in groups of %d", f.Path, f.Rows, rows)
	}
	if s := f.Footer; s.Offset < end || s.Length < 1 || s.Offset != f.Bytes-s.Length || !hex64.MatchString(s.SHA256) {
		return invalid("manifest file %.120q: footer", f.Path)
	}
	return nil
}

func (m Manifest) validateReceipt() error {
	r := m.Receipt
	if err := r.Validate(); err != nil {
		return err
	}
	if r.Task != m.Task || r.Crawl != m.Dump || r.Recipe.Name != m.Recipe.Name || len(r.Files) != len(m.Inputs) {
		return invalid("manifest and its receipt disagree on task, crawl, recipe or files")
	}
	for i, f := range r.Files {
		if in := m.Inputs[i]; in.Path != f.Path || in.Bytes != f.Bytes {
			return invalid("manifest input %.120q is not the receipt's %.120q", in.Path, f.Path)
		}
	}
	return nil
}
