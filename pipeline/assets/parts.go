package assets

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// opener opens a file that was found.
type opener func() (io.ReadCloser, error)

// part notes a file that may be a part of a wanted asset: it has the name and
// size of one, in a folder of the right name.
func (s *search) part(name string, size int64, open opener) {
	for _, a := range s.want {
		if len(a.Parts) > 0 && path.Base(path.Dir(name)) == a.Source.Name && slices.Contains(a.Parts, Part{path.Base(name), size}) {
			s.parts[name] = open
		}
	}
}

// assemble installs the assets of which one folder has all parts.
func (s *search) assemble() error {
	for _, a := range s.want {
		if len(a.Parts) == 0 {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(s.parts)) {
			folder, isFirst := strings.CutSuffix(name, a.Parts[0].Name)
			if !isFirst || s.installed[a.Name] {
				continue
			}
			whole, err := s.together(folder, a)
			if err != nil {
				return err
			}
			if whole != nil {
				if err := s.install(folder, a, whole); err != nil {
					return err
				}
			}
		}
	}
	clear(s.parts)
	return nil
}

// together reads the parts of an asset in a folder; nil if one is missing.
func (s *search) together(folder string, a Asset) (io.Reader, error) {
	var whole bytes.Buffer
	for _, p := range a.Parts {
		open := s.parts[folder+p.Name]
		if open == nil {
			return nil, nil
		}
		err := s.read(folder+p.Name, open, func(r io.Reader) error {
			_, err := io.CopyN(&whole, r, p.Bytes)
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return &whole, nil
}
