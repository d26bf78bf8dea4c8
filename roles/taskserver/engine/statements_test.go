package engine_test

import (
	"bytes"
	"errors"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
	"finest/roles/taskserver/memstore"
)

// faults are what a check of the store finds, as text.
func faults(t *testing.T, store engine.Store, signed ...func(contract.Statement) error) (all []string) {
	t.Helper()
	report, err := engine.Check(t.Context(), store, signed...)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Faults {
		all = append(all, f.String())
	}
	return all
}

// judged is a desk at which v accepted a result by the returned statement.
func judged(t *testing.T) (d *desk, s contract.Statement) {
	d = newDesk(t, 3)
	r := d.lease("alice", 1)
	d.pass(1)
	d.must(d.submit("alice", r))
	d.must(d.judge("v", 7, r, contract.VerdictAccepted))
	d.view(func(v engine.View) error {
		all, err := v.Statements("", 10, 1<<20)
		same(t, "number of statements", len(all), 1)
		s = all[0]
		return err
	})
	return d, s
}

// TestCheckOfStatements changes what validators said, as it is published, behind
// the log's back.
func TestCheckOfStatements(t *testing.T) {
	d, s := judged(t)
	replaced := func(old, new string) []byte { return bytes.Replace(s.Body, []byte(old), []byte(new), 1) }
	statement, verdict := "statement "+s.SHA256+": ", "verdict 1: its statement "+s.SHA256+" "
	id := func(validator string, body []byte) string {
		return statement + "its validator and its body make it statement " + contract.StatementID(validator, body)
	}
	rejects := replaced("accepted", "rejected")
	later := replaced(`"weights_block":1`, `"weights_block":2`)
	w := enginetest.Address("w")
	for name, c := range map[string]struct {
		edit func(*contract.Statement) *contract.Statement
		want []string
	}{
		"missing": {func(*contract.Statement) *contract.Statement { return nil }, []string{verdict + "is missing"}},
		"another outcome": {func(s *contract.Statement) *contract.Statement { s.Body = rejects; return s },
			[]string{verdict + "does not say so", id(s.Validator, rejects)}},
		"other weights": {func(s *contract.Statement) *contract.Statement { s.Body = later; return s },
			[]string{verdict + "is of the weights of block 2001, not 1001", id(s.Validator, later)}},
		"another validator": {func(s *contract.Statement) *contract.Statement { s.Validator = w; return s },
			[]string{verdict + "is by " + w + ", not by " + s.Validator, id(w, s.Body)}},
		"not readable": {func(s *contract.Statement) *contract.Statement { s.Body = []byte("x"); return s },
			[]string{verdict + "cannot be read", id(s.Validator, []byte("x"))}},
		"not as signed": {func(s *contract.Statement) *contract.Statement { s.Timestamp++; return s },
			[]string{statement + "it is not signed by v"}},
	} {
		t.Run(name, func(t *testing.T) {
			signed := func(told contract.Statement) error {
				if told.Timestamp != s.Timestamp {
					return errors.New("it is not signed by v")
				}
				return nil
			}
			got := faults(t, tampered{d.store, func(v engine.View) engine.View { return edited{View: v, said: c.edit} }}, signed)
			same(t, "faults", got, c.want)
		})
	}
}

// A server cannot make up verdicts, though its tables and its log agree.
func TestCheckOfVerdictsNobodyGave(t *testing.T) {
	d := &desk{T: t, store: memstore.New(), head: 1000}
	d.restart()
	d.load(crawl, 1, true)
	r := d.lease("alice", 1)
	d.pass(1)
	d.must(d.submit("alice", r))
	score := func(validator, outcome string) (contract.ScoreRequest, contract.Statement) {
		req := contract.ScoreRequest{Op: contract.OpScore, WeightsBlock: d.head, Verdicts: []contract.Verdict{{Task: r.Task, Generation: 1,
			Hotkey: r.Hotkey, Manifest: result(r, 0).Manifest, Outcome: outcome, Pay: "0"}}}
		body, err := canon.Marshal(req)
		d.must(err)
		hotkey := enginetest.Address(validator)
		return req, contract.Statement{SHA256: contract.StatementID(hotkey, body), Validator: hotkey, Body: body}
	}
	rejects, no := score("v", contract.VerdictRejected)
	accepts, yes := score("v", contract.VerdictAccepted)
	d.must(d.Score(t.Context(), d.by("v"), accepts, no))
	d.must(d.Score(t.Context(), d.by("w"), accepts, yes))
	d.must(d.Score(t.Context(), d.by("v"), rejects, no))
	same(t, "faults", faults(t, d.store), []string{
		"verdict 1: its statement " + no.SHA256 + " does not say so",
		"verdict 2: its statement " + yes.SHA256 + " is by " + yes.Validator + ", not by " + enginetest.Address("w"),
	})
}
