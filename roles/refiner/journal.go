package refiner

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"finest/internal/canon"
	"finest/internal/durable"
	"finest/pipeline"
)

const (
	journalName = "refine.journal"
	lockName    = "refine.lock"
	// spillVersion changes with the form of journal and spills.
	spillVersion = 2
)

// header is the first entry of the journal: what the job is. A journal of
// another job is of no use.
type header struct {
	Version int           `json:"v"`
	Recipe  string        `json:"recipe"`
	Task    string        `json:"task"`
	Leased  bool          `json:"leased"`
	Inputs  []headerInput `json:"inputs"`
}

type headerInput struct {
	Base  string `json:"base"`
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

// scanned is the entry of a finished file.
type scanned struct {
	File     int              `json:"file"`
	Bytes    int64            `json:"bytes"`
	SHA256   string           `json:"sha256"`
	Records  int64            `json:"records"`
	Pages    int64            `json:"pages"`
	Survived int64            `json:"survived"`
	IsPartOf string           `json:"is_part_of"`
	Damage   map[string]int64 `json:"damage"`
	Skipped  map[string]int64 `json:"skipped"`
	Seconds  float64          `json:"seconds"`
	spill

	resumed bool
}

// openJournal takes the lock of WorkDir and reads what an earlier run of this
// job has finished.
func (j *job) openJournal() (err error) {
	if j.lock, err = durable.TryLock(filepath.Join(j.WorkDir, lockName)); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = j.lock.Unlock()
		}
	}()
	head, err := j.header()
	if err != nil {
		return err
	}
	path := filepath.Join(j.WorkDir, journalName)
	journal, entries, err := durable.OpenJournal(path)
	if errors.Is(err, durable.ErrCorrupt) || err == nil && len(entries) > 0 && string(entries[0]) != string(head) {
		// Another job's, or beyond use: everything in it can be made again.
		if err == nil {
			_ = journal.Close()
		}
		if err := j.discard(path); err != nil {
			return err
		}
		journal, entries, err = durable.OpenJournal(path)
	}
	if err != nil {
		return err
	}
	j.journal = journal
	if len(entries) == 0 {
		return j.append(head)
	}
	for _, raw := range entries[1:] {
		s := new(scanned)
		if err := json.Unmarshal(raw, s); err != nil || s.File < 0 || s.File >= len(j.finished) {
			_ = journal.Close()
			return fmt.Errorf("journal %s: entry %.80q makes no sense", path, raw)
		}
		s.resumed = true
		j.finished[s.File] = s
	}
	return nil
}

func (j *job) append(entry []byte) error {
	if err := j.journal.Append(entry); err != nil {
		_ = j.journal.Close()
		return err
	}
	return nil
}

func (j *job) header() ([]byte, error) {
	recipe, err := pipeline.HashRecipe(j.Runner.Recipe)
	if err != nil {
		return nil, err
	}
	h := header{Version: spillVersion, Recipe: recipe, Task: j.Task, Leased: j.Leased}
	for _, in := range j.Inputs {
		h.Inputs = append(h.Inputs, headerInput{in.Base.String(), in.Path, in.Bytes})
	}
	return canon.Marshal(h)
}

// discard removes what another job left in WorkDir, the journal last.
func (j *job) discard(journal string) error {
	entries, err := os.ReadDir(j.WorkDir)
	if err != nil {
		return fmt.Errorf("remove an earlier job's results: %w", err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name == spillFolder || strings.HasPrefix(name, downloadPrefix) {
			if err := os.RemoveAll(filepath.Join(j.WorkDir, name)); err != nil {
				return fmt.Errorf("remove an earlier job's results: %w", err)
			}
		}
	}
	if err := os.Remove(journal); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove an earlier job's journal: %w", err)
	}
	return durable.SyncDir(j.WorkDir)
}

// record notes that a file is done.
func (j *job) record(s *scanned) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := j.journal.Append(raw); err != nil {
		return err
	}
	j.finished[s.File] = s
	return nil
}
