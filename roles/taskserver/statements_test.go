package taskserver_test

import (
	"context"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/client"
	"finest/roles/taskserver/engine"
)

// retold is a store whose statements were changed since they were signed.
type retold struct {
	engine.Store
	change func(*contract.Statement)
}

type retoldView struct {
	engine.View
	change func(*contract.Statement)
}

func (s retold) View(ctx context.Context, f func(engine.View) error) error {
	return s.Store.View(ctx, func(v engine.View) error { return f(retoldView{v, s.change}) })
}

func (v retoldView) Statements(after string, limit, maxBytes int) ([]contract.Statement, error) {
	all, err := v.View.Statements(after, limit, maxBytes)
	for i := range all {
		v.change(&all[i])
	}
	return all, err
}

// TestCheckOfSignatures: what the id of a statement does not pin, its signature
// does.
func TestCheckOfSignatures(t *testing.T) {
	e := newEnv(t, 1)
	r := e.submitted("//Miner")
	check(t, e.client("//Validator").Score(t.Context(), []contract.Verdict{verdictOn(r, contract.VerdictRejected, "0.5")}, firstHead))
	for name, c := range map[string]struct {
		change func(*contract.Statement)
		want   string
	}{
		"as signed":        {func(*contract.Statement) {}, ""},
		"another time":     {func(s *contract.Statement) { s.Timestamp++ }, "it is not signed by " + key(t, "//Validator").Address()},
		"another receiver": {func(s *contract.Statement) { s.SignedFor = key(t, "//Other").Address() }, "it is not signed by"},
		"another UUID":     {func(s *contract.Statement) { s.UUID = uuidOf(9) }, "it is not signed by"},
		"no signature":     {func(s *contract.Statement) { s.Signature = "" }, "signature of 0 digits"},
		"no hexadecimal":   {func(s *contract.Statement) { s.Signature = strings.Repeat("x", len(s.Signature)) }, "signature: "},
	} {
		report, err := engine.Check(t.Context(), retold{e.store, c.change}, client.VerifyStatement)
		check(t, err)
		if c.want == "" && report.OK() {
			continue
		}
		if len(report.Faults) != 1 || !strings.HasPrefix(report.Faults[0].Where, "statement ") || !strings.Contains(report.Faults[0].What, c.want) {
			t.Errorf("%s: found %v, want %q", name, report.Faults, c.want)
		}
	}
}
