package audit

import (
	"fmt"

	"finest/eval"
	"finest/internal/canon"
	"finest/internal/contract"
)

// ProofVersion is the version of the proof's form.
const ProofVersion = 1

// Kinds of fraud proofs.
const (
	// KindLedger: ledger rows First to Last−1 are not those of the bytes they
	// stand for.
	KindLedger = "ledger"
	// KindDocument: a row of a shard is not what the recipe makes of its record.
	KindDocument = "document"
	// KindClusters: the kept documents are not those that the ledger's band keys
	// give; replaying the ledger confirms it.
	KindClusters = "clusters"
	// KindSize: a WARC file does not have the size that the manifest states.
	KindSize = "size"
)

// Where the bytes of a ledger proof begin and end.
const (
	// EdgeFile: at the file's start or end.
	EdgeFile = "file"
	// EdgeRow: at the start of row First, or the end of row Last−1.
	EdgeRow = "row"
	// EdgeBorder: at the start of row Last, the next that is not damage.
	EdgeBorder = "border"
)

// Proof is a fraud proof. It holds no claim that has to be believed: the rows
// are bound to the manifest by their paths, the range follows from the rows, and
// what the range should have given is recomputed by whoever confirms it.
type Proof struct {
	V int `json:"v"`
	// Kind is one of the kinds above.
	Kind string `json:"kind"`
	// Hotkey, Task, Generation and Manifest (its SHA-256) name the submission,
	// Claim (owner/repo@commit) a publication that holds it.
	Hotkey     string `json:"hotkey"`
	Task       string `json:"task"`
	Generation int64  `json:"generation"`
	Manifest   string `json:"manifest"`
	Claim      string `json:"claim"`
	// File is the number of the WARC file in the manifest.
	File int32 `json:"file"`
	// Of a ledger proof: the ledger says that the rows First to Last−1, and no
	// other, are those of the bytes between From and To. Claimed is the index of
	// the row that is wrong, −1 where rows are missing or too many.
	First   uint64 `json:"first"`
	Last    uint64 `json:"last"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	Claimed int64  `json:"claimed"`
	// Leaves are the rows that range and claim follow from, rising by index: of
	// the ledger, or the one row of a document proof.
	Leaves []Leaf `json:"leaves,omitempty"`
	// Reason is one sentence for people. It is the finder's word; Confirm gives
	// its own.
	Reason string `json:"reason"`
}

// newProof returns a proof against s without its findings.
func newProof(s *Submission, kind string) Proof {
	return Proof{
		V: ProofVersion, Kind: kind, Hotkey: s.Hotkey, Task: s.Line.Task, Generation: s.Line.Generation,
		Manifest: s.Line.Manifest, Claim: s.Claim.String(), Claimed: -1,
	}
}

// Encode returns the proof's canonical JSON.
func (p Proof) Encode() ([]byte, error) {
	raw, err := canon.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode fraud proof: %w", err)
	}
	return raw, nil
}

// ParseProof reads a proof from outside; its form is checked, nothing else.
func ParseProof(raw []byte) (Proof, error) {
	var p Proof
	if len(raw) > contract.MaxProof {
		return p, fmt.Errorf("fraud proof of %d bytes, more than the %d allowed", len(raw), contract.MaxProof)
	}
	if err := canon.Unmarshal(raw, &p); err != nil {
		return p, fmt.Errorf("fraud proof: %w", err)
	}
	if p.V != ProofVersion {
		return p, fmt.Errorf("fraud proof of version %d, not %d", p.V, ProofVersion)
	}
	return p, nil
}

// attach adds the proof to a rejection. The row of a document proof that would
// be too long to be passed on is left out; it can be read from the publication.
func (p Proof) attach(c eval.Check) (eval.Check, error) {
	raw, err := p.Encode()
	if err == nil && len(raw) > contract.MaxProof && p.Kind == KindDocument {
		p.Leaves = nil
		raw, err = p.Encode()
	}
	if err != nil {
		return c, err
	}
	c.Evidence.Proof = raw
	return c, nil
}
