package audit

import (
	"fmt"

	"finest/internal/canon"
	"finest/internal/contract"
)

// MaxManifestBytes bounds a manifest: 4,096 files with their row groups.
const MaxManifestBytes = 64 << 20

// Submission is one task of a claim.
type Submission struct {
	// Hotkey is the one that made the claim.
	Hotkey string
	// Claim names the publication that the content is read from.
	Claim contract.Claim
	// Block is the block of the task: of the first claim whose log holds it.
	Block uint64
	// Line is the task's line in the claim log.
	Line contract.LogLine
	// Manifest is what the line names.
	Manifest contract.Manifest
}

// NewSubmission reads the manifest that a line of a claim log names. Its error
// says in one sentence why the manifest is none for this line; anyone who reads
// the publication finds the same, so it rejects the submission.
func NewSubmission(hotkey string, claim contract.Claim, block uint64, line contract.LogLine, manifest []byte) (*Submission, error) {
	s := &Submission{Hotkey: hotkey, Claim: claim, Block: block, Line: line}
	var err error
	s.Manifest, err = readManifest(manifest, line.Manifest)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s of %s: %w", contract.ManifestPath(line.Task), claim, err)
	case s.Manifest.Task != line.Task:
		return nil, fmt.Errorf("the log names manifest %.12s for task %s, but it is of task %s", line.Manifest, line.Task, s.Manifest.Task)
	}
	return s, nil
}

func readManifest(raw []byte, hash string) (contract.Manifest, error) {
	var m contract.Manifest
	if len(raw) > MaxManifestBytes {
		return m, fmt.Errorf("it has %d bytes, more than the %d allowed", len(raw), MaxManifestBytes)
	}
	if sum := canon.Sum(raw); sum != hash {
		return m, fmt.Errorf("its SHA-256 is %.12s… where the claim log says %.12s…", sum, hash)
	}
	if err := canon.Unmarshal(raw, &m); err != nil {
		return m, err
	}
	return m, m.Validate()
}

// rowsIn sums the rows that the manifest states for files.
func rowsIn(files []contract.OutputFile) uint64 {
	var n uint64
	for _, f := range files {
		n += uint64(f.Rows)
	}
	return n
}
