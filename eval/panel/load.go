package panel

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline/assets"
)

// MissingError says what a panel lacks. Who meets it does not judge.
type MissingError struct {
	Panel string
	// Dir is the folder that was looked into.
	Dir string
	// Files are not in it.
	Files []string
	// Suites have no units, as none were handed in.
	Suites []string

	pull bool // some of Files are in the catalogue
}

// Error names what is missing, and the command that gets it.
func (e *MissingError) Error() string {
	text := "panel " + e.Panel + ":"
	if len(e.Suites) > 0 {
		text += " no units are handed in for " + strings.Join(e.Suites, ", ") + ";"
	}
	if len(e.Files) > 0 {
		text += " needs the files " + strings.Join(e.Files, ", ") + ", not found in " + e.Dir + ";"
	}
	if e.pull {
		text += " `finest assets pull --panel --assets " + e.Dir + "` downloads those of the catalogue, and takes them from a folder at hand with --from;"
	}
	return strings.TrimRight(text, ":;")
}

// Panel is a definition with its units. It is never changed: With and Draw
// return others.
type Panel struct {
	def    Definition
	hash   string
	files  []contract.Asset  // read, with their hashes
	handed map[string]string // suite -> hash of the units handed in
	all    [][]Unit          // by suite
	drawn  [][]Unit          // of all, by Draw; all itself before
}

// Load reads a panel from a folder of assets. Files of the catalogue must be the
// pinned ones, else the error wraps assets.ErrContent; others are read as they
// are and make the panel another. The error is a *MissingError where a file is
// absent.
func Load(dir string, d Definition) (*Panel, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	p := &Panel{def: d, handed: map[string]string{}, all: make([][]Unit, len(d.Suites))}
	missing := &MissingError{Panel: d.Name, Dir: dir}
	for i, s := range d.Suites {
		for _, name := range s.Files {
			content, pin, err := read(dir, name)
			if errors.Is(err, fs.ErrNotExist) {
				missing.add(name)
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("panel %s: suite %s: read %s: %w", d.Name, s.Name, filepath.Join(dir, name), err)
			}
			units, err := s.parse(name, content)
			if err != nil {
				return nil, fmt.Errorf("panel %s: suite %s: parse %s: %w", d.Name, s.Name, filepath.Join(dir, name), err)
			}
			p.files = append(p.files, pin)
			p.all[i] = append(p.all[i], units...)
		}
	}
	if len(missing.Files) > 0 {
		return nil, missing
	}
	p.drawn = p.all
	var err error
	p.hash, err = p.computeHash()
	return p, err
}

func (e *MissingError) add(name string) {
	e.Files = append(e.Files, name)
	if _, err := assets.Named(name); err == nil {
		e.pull = true
	}
}

// read reads a file of the folder; the error wraps fs.ErrNotExist if it is not
// there.
func read(dir, name string) ([]byte, contract.Asset, error) {
	content, err := assets.ReadFile(dir, name)
	if err != nil {
		return nil, contract.Asset{}, err
	}
	pin := contract.Asset{Name: name, SHA256: canon.Sum(content)}
	if known, err := assets.Named(name); err == nil && known[0].SHA256 != pin.SHA256 {
		return nil, pin, fmt.Errorf("%w: it has SHA-256 %s instead of %s; `finest assets pull --panel --assets %s` replaces it",
			assets.ErrContent, pin.SHA256, known[0].SHA256, dir)
	}
	return content, pin, nil
}

// maxUnits bounds the units of a suite.
const maxUnits = 200_000

// With returns the panel with the units of a suite that has no files.
func (p *Panel) With(suite string, units []Unit) (*Panel, error) {
	at := p.index(suite)
	if at < 0 || len(p.def.Suites[at].Files) > 0 {
		return nil, fmt.Errorf("panel %s: no suite %q takes units", p.def.Name, suite)
	}
	s := p.def.Suites[at]
	if len(units) > maxUnits {
		return nil, fmt.Errorf("panel %s: suite %s: %d units are more than the %d allowed", p.def.Name, suite, len(units), maxUnits)
	}
	seen := make(map[string]bool, len(units))
	for _, u := range units {
		if err := s.check(u); err != nil {
			return nil, fmt.Errorf("panel %s: suite %s: unit %q: %w", p.def.Name, suite, u.ID, err)
		}
		if seen[u.ID] {
			return nil, fmt.Errorf("panel %s: suite %s: two units are called %q", p.def.Name, suite, u.ID)
		}
		seen[u.ID] = true
	}
	raw, err := canon.Marshal(units)
	if err != nil {
		return nil, fmt.Errorf("panel %s: suite %s: %w", p.def.Name, suite, err)
	}
	q := *p
	q.handed = map[string]string{suite: canon.Sum(raw)}
	for name, hash := range p.handed {
		if name != suite {
			q.handed[name] = hash
		}
	}
	q.all = append([][]Unit(nil), p.all...)
	q.all[at] = append([]Unit(nil), units...)
	q.drawn = q.all
	q.hash, err = q.computeHash()
	return &q, err
}

func (p *Panel) index(suite string) int {
	for i, s := range p.def.Suites {
		if s.Name == suite {
			return i
		}
	}
	return -1
}

// Definition returns what the panel was loaded by.
func (p *Panel) Definition() Definition { return p.def }

// Files returns the files that were read, with their hashes.
func (p *Panel) Files() []contract.Asset { return append([]contract.Asset(nil), p.files...) }

// Hash names the panel: the SHA-256 of the canonical JSON of its definition, its
// files and the hashes of the units handed in. A draw has that of the whole; the
// seed names the rest.
func (p *Panel) Hash() string { return p.hash }

func (p *Panel) computeHash() (string, error) {
	raw, err := canon.Marshal(struct {
		Version    int               `json:"version"`
		Definition Definition        `json:"definition"`
		Files      []contract.Asset  `json:"files"`
		Handed     map[string]string `json:"handed"`
	}{Version, p.def, p.files, p.handed})
	if err != nil {
		return "", fmt.Errorf("hash panel %s: %w", p.def.Name, err)
	}
	return canon.Sum(raw), nil
}
