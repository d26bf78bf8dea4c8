package validator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"finest/internal/durable"
)

// store keeps the state on disk: snapshot.json names the journal that goes on
// from it.
type store struct {
	dir     string
	state   *state
	journal journal
	number  int
	entries int
}

// journal is a durable.Journal.
type journal interface {
	Append(entry []byte) error
	Close() error
}

type snapshot struct {
	Journal int    `json:"journal"`
	State   *state `json:"state"`
}

// compactAfter is the number of journal entries after which a new snapshot is
// written.
const compactAfter = 4096

func openStore(dir string) (*store, error) {
	s := &store{dir: dir, state: newState()}
	raw, err := os.ReadFile(s.snapshotPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read validator state: %w", err)
	}
	if err == nil {
		snap := snapshot{State: s.state}
		if err := json.Unmarshal(raw, &snap); err != nil {
			return nil, fmt.Errorf("read validator state %s: %w", s.snapshotPath(), err)
		}
		s.number = snap.Journal
		for _, c := range s.state.Cases {
			s.state.index[c.key()] = c
		}
	}
	if err := s.removeOldJournals(); err != nil {
		return nil, err
	}
	journal, entries, err := durable.OpenJournal(s.journalPath())
	if err != nil {
		return nil, err
	}
	s.journal, s.entries = journal, len(entries)
	for i, raw := range entries {
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			_ = journal.Close()
			return nil, fmt.Errorf("read validator journal %s, entry %d: %w", s.journalPath(), i+1, err)
		}
		s.state.apply(e)
	}
	if err := s.tidy(); err != nil {
		_ = s.journal.Close()
		return nil, err
	}
	return s, nil
}

// tidy writes a snapshot when the journal has become long.
func (s *store) tidy() error {
	if s.entries < compactAfter {
		return nil
	}
	return s.compact()
}

// removeOldJournals removes what a crash between snapshot and removal left.
func (s *store) removeOldJournals() error {
	names, err := fs.Glob(os.DirFS(s.dir), "journal-*.log")
	if err != nil {
		return fmt.Errorf("list validator journals: %w", err)
	}
	for _, name := range names {
		if path := filepath.Join(s.dir, name); path < s.journalPath() {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("remove old validator journal: %w", err)
			}
		}
	}
	return nil
}

func (s *store) snapshotPath() string { return filepath.Join(s.dir, "snapshot.json") }

func (s *store) journalPath() string {
	return filepath.Join(s.dir, fmt.Sprintf("journal-%06d.log", s.number))
}

// encode returns v as JSON that keeps the bytes of the JSON in it: fraud proofs
// are canonical and have to stay so.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode validator state: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// add makes an event durable, then part of the state.
func (s *store) add(e event) error {
	raw, err := encode(e)
	if err != nil {
		return err
	}
	if err := s.journal.Append(raw); err != nil {
		return err
	}
	s.entries++
	// What is applied is what a restart would read.
	var again event
	if err := json.Unmarshal(raw, &again); err != nil {
		return fmt.Errorf("record validator state: %w", err)
	}
	s.state.apply(again)
	return nil
}

// compact writes a snapshot that the next journal continues. A crash leaves
// either the old pair or the new one.
func (s *store) compact() error {
	old := s.journalPath()
	raw, err := encode(snapshot{Journal: s.number + 1, State: s.state})
	if err != nil {
		return err
	}
	if err := durable.WriteBytes(s.snapshotPath(), 0o600, raw); err != nil {
		return err
	}
	if err := s.journal.Close(); err != nil {
		return err
	}
	s.number++
	journal, _, err := durable.OpenJournal(s.journalPath())
	if err != nil {
		return err
	}
	s.journal, s.entries = journal, 0
	return os.Remove(old)
}

func (s *store) close() error { return s.journal.Close() }
