package validator_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"finest/eval"
	"finest/internal/contract"
	"finest/pipeline"
	"finest/roles/validator"
)

// fullFor is a disk without space for some entries of a journal.
type fullFor struct {
	validator.Journal
	entries string
}

func (f fullFor) Append(entry []byte) error {
	if bytes.Contains(entry, []byte(f.entries)) {
		return syscall.ENOSPC
	}
	return f.Journal.Append(entry)
}

// TestFullDisk: whichever file of a comparison finds no space, nothing is judged
// and nothing lost. Once there is space the recipe is judged, and what was drawn and
// trained before is neither drawn nor trained again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skipf("no device that is always full: %v", err)
	}
	s := newSchool(t)
	file := "" // that finds no space
	build := s.Runner
	s.Runner = func(r contract.Recipe) (*pipeline.Runner, error) {
		work, err := filepath.Glob(filepath.Join(s.dataDir, "quality", "work", "*"))
		if err != nil {
			return nil, err
		}
		for _, dir := range work { // made, and the file is not in it yet
			if err := os.Symlink(full, filepath.Join(dir, file)); err != nil && file != "" && !errors.Is(err, os.ErrExist) {
				return nil, err
			}
		}
		return build(r)
	}
	bert := s.Miner("//Bert")
	block := s.claim(bert, twin, 2)
	s.judged(block)
	s.windowOver(block)
	unjudged := func(name string) {
		t.Helper()
		for _, got := range standings(s.rounds(1), bert) {
			want(t, got, eval.Undecided, false, "is not judged yet")
		}
		if all, err := validator.ReadJudgements(s.dataDir); err != nil || len(all) > 0 {
			t.Errorf("no space for %s: judgements %+v, %v", name, all, err)
		}
	}
	for _, file = range []string{"crawl.jsonl.zst", "candidate.jsonl.zst", "reference.jsonl.zst.all", "naive.jsonl.zst.all"} {
		s.log.Reset()
		s.restart() // and so tries at once
		unjudged(file)
		if text := s.log.String(); !strings.Contains(text, syscall.ENOSPC.Error()) || !strings.Contains(text, "will try again") || s.trainer.runs > 0 {
			t.Errorf("no space for %s: %d models, the log tells %s", file, s.trainer.runs, text)
		}
	}
	file = ""

	// The folder of the evidence cannot be made.
	s.restart()
	judged := filepath.Join(s.dataDir, "quality", "judged")
	if err := os.WriteFile(judged, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.try(); err == nil {
		t.Error("evidence that cannot be written is no error")
	}
	if s.trainer.runs != 6 {
		t.Fatalf("%d models are trained, want 6", s.trainer.runs)
	}
	s.WARC.Err = errors.New("no route to the crawl")
	if err := os.Remove(judged); err != nil {
		t.Fatal(err)
	}
	s.open.WrapJournal(func(_ string, j validator.Journal) validator.Journal { return fullFor{j, `"judged":`} })
	if _, err := s.try(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a journal without space for the judgement: %v", err)
	}
	s.open.WrapJournal(func(_ string, j validator.Journal) validator.Journal { return j.(fullFor).Journal })
	s.once()
	for _, got := range standings(s.rounds(1), bert) {
		want(t, got, eval.Accepted, true, "")
	}
	if s.trainer.runs != 6 {
		t.Errorf("%d models are trained, want none a second time", s.trainer.runs)
	}
}
