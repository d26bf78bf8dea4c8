package contract_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"finest/internal/canon"
	"finest/internal/contract"
)

const leasedTask = "CC-MAIN-2024-10-000012"

func hexDigits(n int) string { return strings.Repeat("0123456789abcdef", n/16+1)[:n] }

func goodVerdict() contract.Verdict {
	return contract.Verdict{Task: leasedTask, Generation: 1, Hotkey: signerAddress, Manifest: hexDigits(64),
		Outcome: contract.VerdictRejected, Reason: "row 7 is in no WARC", Pay: "0"}
}

// goodRequests has one valid request of each operation.
func goodRequests() map[string]interface{ Validate() error } {
	return map[string]interface{ Validate() error }{
		contract.OpLease:   contract.LeaseRequest{Op: "lease", Slot: 1, Recipe: "fineweb"},
		contract.OpRenew:   contract.RenewRequest{Op: "renew", Task: leasedTask, Generation: 1},
		contract.OpRelease: contract.ReleaseRequest{Op: "release", Task: leasedTask, Generation: 1, Reason: "disk is full"},
		contract.OpSubmit: contract.SubmitRequest{Op: "submit", Task: leasedTask, Generation: 1,
			Claim: "someone/data@" + hexDigits(40), Manifest: hexDigits(64), Block: 7},
		contract.OpScore: contract.ScoreRequest{Op: "score", WeightsBlock: 9, Verdicts: []contract.Verdict{goodVerdict()}},
		contract.OpProof: contract.ProofRequest{Op: "proof", Proof: json.RawMessage(`{"leaf":"<>"}`)},
	}
}

func TestRequestsAreCanonical(t *testing.T) {
	for op, r := range goodRequests() {
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", op, err)
		}
		raw, err := canon.Marshal(r)
		if err != nil {
			t.Fatalf("%s: %v", op, err)
		}
		if !strings.Contains(string(raw), `"op":"`+op+`"`) {
			t.Errorf("%s is not named in %s", op, raw)
		}
	}
	// A body read back is the body that was sent.
	raw, err := canon.Marshal(goodRequests()[contract.OpProof])
	if err != nil {
		t.Fatal(err)
	}
	var back contract.ProofRequest
	if err := canon.Unmarshal(raw, &back); err != nil || string(back.Proof) != `{"leaf":"<>"}` {
		t.Errorf("proof %s and error %v", back.Proof, err)
	}
}

func TestRequestsAreRefused(t *testing.T) {
	verdict := func(change func(*contract.Verdict)) contract.ScoreRequest {
		v := goodVerdict()
		change(&v)
		return contract.ScoreRequest{Op: "score", Verdicts: []contract.Verdict{goodVerdict(), v}}
	}
	submit := func(change func(*contract.SubmitRequest)) contract.SubmitRequest {
		s := goodRequests()[contract.OpSubmit].(contract.SubmitRequest)
		change(&s)
		return s
	}
	for name, r := range map[string]interface{ Validate() error }{
		"lease: other op":            contract.LeaseRequest{Op: "renew", Slot: 1, Recipe: "fineweb"},
		"lease: slot 0":              contract.LeaseRequest{Op: "lease", Slot: 0, Recipe: "fineweb"},
		"lease: slot too high":       contract.LeaseRequest{Op: "lease", Slot: contract.MaxSlot + 1, Recipe: "fineweb"},
		"lease: recipe with spaces":  contract.LeaseRequest{Op: "lease", Slot: 1, Recipe: "fine web"},
		"renew: other op":            contract.RenewRequest{Op: "lease", Task: leasedTask, Generation: 1},
		"renew: generation 0":        contract.RenewRequest{Op: "renew", Task: leasedTask},
		"renew: task without digits": contract.RenewRequest{Op: "renew", Task: "CC-MAIN-2024-10", Generation: 1},
		"release: other op":          contract.ReleaseRequest{Op: "", Task: leasedTask, Generation: 1},
		"release: long reason": contract.ReleaseRequest{Op: "release", Task: leasedTask, Generation: 1,
			Reason: strings.Repeat("x", contract.MaxReason+1)},
		"release: reason with NUL":     contract.ReleaseRequest{Op: "release", Task: leasedTask, Generation: 1, Reason: "a\x00b"},
		"release: reason not UTF-8":    contract.ReleaseRequest{Op: "release", Task: leasedTask, Generation: 1, Reason: "\xff"},
		"submit: other op":             submit(func(s *contract.SubmitRequest) { s.Op = "score" }),
		"submit: branch for commit":    submit(func(s *contract.SubmitRequest) { s.Claim = "someone/data@main" }),
		"submit: no owner":             submit(func(s *contract.SubmitRequest) { s.Claim = "data@" + hexDigits(40) }),
		"submit: short hash":           submit(func(s *contract.SubmitRequest) { s.Manifest = hexDigits(63) }),
		"submit: negative task":        submit(func(s *contract.SubmitRequest) { s.Generation = -1 }),
		"score: other op":              contract.ScoreRequest{Op: "proof", Verdicts: []contract.Verdict{goodVerdict()}},
		"score: nothing":               contract.ScoreRequest{Op: "score"},
		"score: too much":              contract.ScoreRequest{Op: "score", Verdicts: make([]contract.Verdict, contract.MaxVerdicts+1)},
		"score: hotkey":                verdict(func(v *contract.Verdict) { v.Hotkey = "0x00" }),
		"score: manifest":              verdict(func(v *contract.Verdict) { v.Manifest = "" }),
		"score: outcome":               verdict(func(v *contract.Verdict) { v.Outcome = "" }),
		"score: pay in floating point": verdict(func(v *contract.Verdict) { v.Pay = "1e9" }),
		"score: negative pay":          verdict(func(v *contract.Verdict) { v.Pay = "-1" }),
		"score: leading zero":          verdict(func(v *contract.Verdict) { v.Pay = "01" }),
		"score: task":                  verdict(func(v *contract.Verdict) { v.Task = "" }),
		"proof: other op":              contract.ProofRequest{Op: "score", Proof: json.RawMessage(`{}`)},
		"proof: array":                 contract.ProofRequest{Op: "proof", Proof: json.RawMessage(`[]`)},
		"proof: nothing":               contract.ProofRequest{Op: "proof"},
		"proof: too large":             contract.ProofRequest{Op: "proof", Proof: make([]byte, contract.MaxProof+1)},
	} {
		if err := r.Validate(); !errors.Is(err, contract.ErrInvalid) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

// FuzzRequest reads bodies of every operation as the task server does: what is
// valid has one canonical form, which reads back as itself.
func FuzzRequest(f *testing.F) {
	for _, r := range goodRequests() {
		raw, err := canon.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"op":"lease","slot":1,"slot":2}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		body, err := canon.Canonicalize(raw)
		if err != nil {
			return
		}
		for _, r := range []interface{ Validate() error }{new(contract.LeaseRequest), new(contract.RenewRequest), new(contract.ReleaseRequest),
			new(contract.SubmitRequest), new(contract.ScoreRequest), new(contract.ProofRequest)} {
			if canon.Unmarshal(body, r) != nil || r.Validate() != nil {
				continue
			}
			again, err := canon.Marshal(r)
			if err != nil || string(again) != string(body) {
				t.Errorf("%s reads as %s with error %v", body, again, err)
			}
		}
	})
}

func TestStatementID(t *testing.T) {
	// printf '%s.%s' 5Alice "$(printf '{}' | sha256sum | cut -c1-64)" | sha256sum
	if got, want := contract.StatementID("5Alice", []byte("{}")), "04cfdf8c3bab906d51b23a583d9c325f91dab20fd55dcfb603e273a424205ecf"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, other := range map[string]string{
		"another body": contract.StatementID("5Alice", []byte("[]")), "another validator": contract.StatementID("5Bob", []byte("{}")),
	} {
		if other == contract.StatementID("5Alice", []byte("{}")) {
			t.Errorf("%s, but the same statement", name)
		}
	}
}

func TestProblem(t *testing.T) {
	p := &contract.Problem{Type: contract.ProblemNoTask, Title: "no task is available", Status: 404, Detail: "all are leased", RetryAfterMS: 250}
	if got, want := p.Error(), "no task is available (404): all are leased"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if p.RetryAfter() != 250*time.Millisecond {
		t.Errorf("retry after %s", p.RetryAfter())
	}
	p.Detail = ""
	if got, want := p.Error(), "no task is available (404)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
