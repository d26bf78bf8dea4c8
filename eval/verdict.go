package eval

import (
	"encoding/json"
	"strings"
)

// Outcome is what a check or a verdict comes to.
type Outcome string

// Outcomes.
const (
	// Accepted: everything that was looked at is as claimed.
	Accepted Outcome = "accepted"
	// Rejected: something is not as claimed, and anyone can find the same.
	Rejected Outcome = "rejected"
	// Undecided: it could not be looked at; the fault says why.
	Undecided Outcome = "undecided"
)

// Names of the checks, in the order they are made.
const (
	CheckBinding  = "binding"
	CheckContent  = "content"
	CheckSlice    = "slice"
	CheckClusters = "clusters"
	CheckQuality  = "quality"
)

// Check is one check of a submission. Reason is one sentence for people.
type Check struct {
	Name     string   `json:"name"`
	Outcome  Outcome  `json:"outcome"`
	Fault    Fault    `json:"fault,omitempty"`
	Reason   string   `json:"reason"`
	Evidence Evidence `json:"evidence"`
}

// Evidence is what a check looked at and found.
type Evidence struct {
	// Facts are named measurements: "range", "rows", "sha256".
	Facts map[string]string `json:"facts,omitempty"`
	// Proof is the canonical JSON of a fraud proof (audit.Proof), if the check
	// found one. Without it a rejection can be repeated from the publication
	// and the chain alone.
	Proof json.RawMessage `json:"proof,omitempty"`
}

// Pass returns a check that found everything as claimed.
func Pass(name, reason string) Check { return Check{Name: name, Outcome: Accepted, Reason: reason} }

// Reject returns a check that found something not as claimed.
func Reject(name, reason string) Check { return Check{Name: name, Outcome: Rejected, Reason: reason} }

// Wait returns a check that could not be made because of err. An error that
// carries no fault is the validator's own.
func Wait(name string, err error) Check {
	fault := FaultOf(err)
	if fault == FaultNone {
		fault = FaultOwn
	}
	return Check{Name: name, Outcome: Undecided, Fault: fault, Reason: err.Error()}
}

// With returns the check with one more fact.
func (c Check) With(fact, value string) Check {
	facts := make(map[string]string, len(c.Evidence.Facts)+1)
	for k, v := range c.Evidence.Facts {
		facts[k] = v
	}
	facts[fact] = value
	c.Evidence.Facts = facts
	return c
}

// Verdict is what a validator finds about one submission.
type Verdict struct {
	Task       string  `json:"task"`
	Generation int64   `json:"generation"`
	Hotkey     string  `json:"hotkey"`
	Manifest   string  `json:"manifest"`
	Outcome    Outcome `json:"outcome"`
	Fault      Fault   `json:"fault,omitempty"`
	// Reason is that of the check that decided.
	Reason string `json:"reason"`
	// Audited says whether the submission was drawn for checks 3 and 4.
	Audited bool    `json:"audited"`
	Checks  []Check `json:"checks"`
}

// Judge sets outcome, fault and reason from the checks: the first rejection
// decides; else the undecided check with the weightiest fault; else the
// submission is accepted. A verdict without checks is undecided.
func (v Verdict) Judge() Verdict {
	v.Outcome, v.Fault, v.Reason = Undecided, FaultOwn, "no check was made"
	if len(v.Checks) > 0 {
		v.Outcome, v.Fault, v.Reason = Accepted, FaultNone, v.acceptance()
	}
	for _, c := range v.Checks {
		switch {
		case c.Outcome == Rejected:
			v.Outcome, v.Fault, v.Reason = Rejected, FaultNone, c.Reason
			return v
		case c.Outcome == Undecided && (v.Outcome == Accepted || faultWeight[c.Fault] > faultWeight[v.Fault]):
			v.Outcome, v.Fault, v.Reason = Undecided, c.Fault, c.Reason
		}
	}
	return v
}

func (v Verdict) acceptance() string {
	names := make([]string, len(v.Checks))
	for i, c := range v.Checks {
		names[i] = c.Name
	}
	reason := "passed: " + strings.Join(names, ", ")
	if !v.Audited {
		reason += "; not drawn for an audit"
	}
	return reason
}

// Settle returns the verdict as it stands once its time for being undecided is
// up (Protocol.Expired): a crawl that stayed unreachable leaves it to the other
// checks; whatever else is undecided stays so and is not asked again: nothing
// is paid, and nothing goes on the hotkey's record. A recipe without a judged
// quality waits for as long as it takes.
func (v Verdict) Settle() Verdict {
	if v.Outcome != Undecided || v.Fault != FaultCrawl {
		return v
	}
	others := v
	others.Checks = nil
	for _, c := range v.Checks {
		if c.Fault != FaultCrawl {
			others.Checks = append(others.Checks, c)
		}
	}
	judged := others.Judge()
	judged.Checks = v.Checks
	if judged.Outcome == Accepted {
		judged.Reason += "; the crawl stayed unreachable"
	}
	return judged
}

// Proof returns the fraud proof among the checks, nil without one.
func (v Verdict) Proof() json.RawMessage {
	for _, c := range v.Checks {
		if c.Outcome == Rejected && len(c.Evidence.Proof) > 0 {
			return c.Evidence.Proof
		}
	}
	return nil
}
