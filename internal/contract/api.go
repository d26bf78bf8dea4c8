package contract

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Operations of the task server that are signed. Every body names its own, so
// that a body signed for one cannot be sent to another.
const (
	OpLease   = "lease"
	OpRenew   = "renew"
	OpRelease = "release"
	OpSubmit  = "submit"
	OpScore   = "score"
	OpProof   = "proof"
)

// Limits of requests.
const (
	// MaxSlot bounds the slots of a hotkey, whatever its quota.
	MaxSlot = 1024
	// MaxReason bounds texts for people, in bytes.
	MaxReason = 500
	// MaxVerdicts bounds the verdicts of one score request.
	MaxVerdicts = 256
	// MaxProof bounds a fraud proof, in bytes: it carries a row with its text.
	MaxProof = 4 << 20
)

// Outcomes of a verdict.
const (
	VerdictAccepted  = "accepted"
	VerdictRejected  = "rejected"
	VerdictUndecided = "undecided"
)

var decimalRE = regexp.MustCompile(`^(0|[1-9][0-9]{0,29})(\.[0-9]{1,18})?$`)

// LeaseRequest asks for the lease of a slot: the one it holds, else a new one.
// It is answered with a Receipt.
type LeaseRequest struct {
	Op string `json:"op"`
	// Slot is 1 up to the quota of the hotkey.
	Slot int `json:"slot"`
	// Recipe is the name of the wanted recipe.
	Recipe string `json:"recipe"`
}

// Validate checks the form of the request.
func (r LeaseRequest) Validate() error {
	switch {
	case r.Op != OpLease:
		return wrongOp(r.Op, OpLease)
	case r.Slot < 1 || r.Slot > MaxSlot:
		return invalid("lease of slot %d", r.Slot)
	case !recipeRE.MatchString(r.Recipe):
		return invalid("lease of recipe %.80q", r.Recipe)
	}
	return nil
}

// RenewRequest is a sign of life; it changes neither receipt nor deadline. It
// is answered with a LeaseStatus, as are ReleaseRequest and SubmitRequest.
type RenewRequest struct {
	Op         string `json:"op"`
	Task       string `json:"task"`
	Generation int64  `json:"generation"`
}

// Validate checks the form of the request.
func (r RenewRequest) Validate() error {
	if r.Op != OpRenew {
		return wrongOp(r.Op, OpRenew)
	}
	return validateLeaseName(r.Task, r.Generation)
}

// ReleaseRequest gives a lease back before its deadline.
type ReleaseRequest struct {
	Op         string `json:"op"`
	Task       string `json:"task"`
	Generation int64  `json:"generation"`
	// Reason is for people; it may be empty.
	Reason string `json:"reason"`
	// Missing is the path of a file of the task that cannot be read, if that is
	// why; a release that the server can confirm costs nothing. Else "".
	Missing string `json:"missing"`
}

// Validate checks the form of the request.
func (r ReleaseRequest) Validate() error {
	if r.Op != OpRelease {
		return wrongOp(r.Op, OpRelease)
	}
	if r.Missing != "" && !ValidPath(r.Missing) {
		return invalid("missing file %.120q", r.Missing)
	}
	if err := validateText("release reason", r.Reason); err != nil {
		return err
	}
	return validateLeaseName(r.Task, r.Generation)
}

// SubmitRequest announces the result of a lease. What counts is the claim on
// chain; the task server only stops issuing the task.
type SubmitRequest struct {
	Op         string `json:"op"`
	Task       string `json:"task"`
	Generation int64  `json:"generation"`
	// Claim is the publication, owner/repo@commit.
	Claim string `json:"claim"`
	// Manifest is the SHA-256 of the task's manifest.json.
	Manifest string `json:"manifest"`
	// Block is the block of the claim.
	Block uint64 `json:"block"`
}

// Validate checks the form of the request.
func (r SubmitRequest) Validate() error {
	repo, commit, _ := strings.Cut(r.Claim, "@")
	switch {
	case r.Op != OpSubmit:
		return wrongOp(r.Op, OpSubmit)
	case !commitRE.MatchString(commit):
		return invalid("submission claim %.150q is not owner/repo@commit", r.Claim)
	case !hex64.MatchString(r.Manifest):
		return invalid("submission manifest hash %.80q", r.Manifest)
	}
	if err := ValidateRepo(repo); err != nil {
		return err
	}
	return validateLeaseName(r.Task, r.Generation)
}

// ScoreRequest publishes verdicts once the weights they led to are on chain.
type ScoreRequest struct {
	Op string `json:"op"`
	// WeightsBlock is the block that holds those weights.
	WeightsBlock uint64    `json:"weights_block"`
	Verdicts     []Verdict `json:"verdicts"`
}

// Verdict is what a validator found about one submission, as it publishes it.
type Verdict struct {
	Task       string `json:"task"`
	Generation int64  `json:"generation"`
	Hotkey     string `json:"hotkey"`
	Manifest   string `json:"manifest"`
	// Outcome is one of the Verdict constants.
	Outcome string `json:"outcome"`
	// Reason is one sentence for people; it may be empty.
	Reason string `json:"reason"`
	// Pay is what the submission was worth when it was judged, in bytes of
	// work, a decimal; "0" is a pay like any other.
	Pay string `json:"pay"`
}

// Validate checks the form of the request.
func (r ScoreRequest) Validate() error {
	if r.Op != OpScore {
		return wrongOp(r.Op, OpScore)
	}
	if len(r.Verdicts) == 0 || len(r.Verdicts) > MaxVerdicts {
		return invalid("score of %d verdicts, not 1 to %d", len(r.Verdicts), MaxVerdicts)
	}
	for _, v := range r.Verdicts {
		if err := v.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// Validate checks the form of the verdict.
func (v Verdict) Validate() error {
	switch {
	case !hotkeyRE.MatchString(v.Hotkey):
		return invalid("verdict hotkey %.80q", v.Hotkey)
	case !hex64.MatchString(v.Manifest):
		return invalid("verdict manifest hash %.80q", v.Manifest)
	case v.Outcome != VerdictAccepted && v.Outcome != VerdictRejected && v.Outcome != VerdictUndecided:
		return invalid("verdict outcome %.40q", v.Outcome)
	case !decimalRE.MatchString(v.Pay):
		return invalid("verdict pay %.60q is not a decimal", v.Pay)
	}
	if err := validateText("verdict reason", v.Reason); err != nil {
		return err
	}
	return validateLeaseName(v.Task, v.Generation)
}

// ProofRequest shares a fraud proof. The task server relays it unread: whoever
// fetches it confirms it.
type ProofRequest struct {
	Op string `json:"op"`
	// Proof is a JSON object.
	Proof json.RawMessage `json:"proof"`
}

// Validate checks the form of the request.
func (r ProofRequest) Validate() error {
	switch {
	case r.Op != OpProof:
		return wrongOp(r.Op, OpProof)
	case len(r.Proof) > MaxProof:
		return invalid("proof of %d bytes; %d are allowed", len(r.Proof), MaxProof)
	case !bytes.HasPrefix(r.Proof, []byte("{")):
		return invalid("proof is not a JSON object")
	}
	return nil
}

func wrongOp(got, want string) error {
	return invalid("body is for operation %.40q, not %q", got, want)
}

func validateLeaseName(task string, generation int64) error {
	if !taskRE.MatchString(task) {
		return invalid("task %.80q", task)
	}
	if generation < 1 {
		return invalid("generation %d", generation)
	}
	return nil
}

func validateText(what, text string) error {
	if len(text) > MaxReason || !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 { // not every database keeps NUL
		return invalid("%s of %d bytes; %d of UTF-8 without NUL are allowed", what, len(text), MaxReason)
	}
	return nil
}
