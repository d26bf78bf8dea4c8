package eval_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"finest/eval"
	"finest/internal/canon"
)

func TestProtocolHashesAreFixed(t *testing.T) {
	for name, p := range map[string]eval.Protocol{"mainnet": eval.Mainnet(), "devnet": eval.Devnet()} {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		raw, err := canon.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back eval.Protocol
		if err := canon.Unmarshal(raw, &back); err != nil || back != p {
			t.Errorf("%s reads back as %+v, %v", name, back, err)
		}
		hash, err := p.Hash()
		if err != nil || hash != canon.Sum(raw) {
			t.Errorf("%s: hash %s, %v", name, hash, err)
		}
		if hash != wantHash[name] {
			t.Errorf("%s: the constants have changed; their hash is %s", name, hash)
		}
	}
}

func TestProtocolValidate(t *testing.T) {
	for name, spoil := range map[string]func(*eval.Protocol){
		"version": func(p *eval.Protocol) { p.Version = 0 }, "reference": func(p *eval.Protocol) { p.ReferenceRecipe = "" },
		"seed delay": func(p *eval.Protocol) { p.SeedDelay = 0 }, "slice": func(p *eval.Protocol) { p.Slice = 0 },
		"audit": func(p *eval.Protocol) { p.AuditLeast = 1.1 }, "deadline": func(p *eval.Protocol) { p.Deadline = 0 },
		"half-life": func(p *eval.Protocol) { p.HalfLife = 0 }, "window": func(p *eval.Protocol) { p.Window = 0 },
		"share": func(p *eval.Protocol) { p.TimeShare = eval.Decimal(math.NaN()) }, "floor": func(p *eval.Protocol) { p.QualityFloor = -1 },
	} {
		p := eval.Mainnet()
		spoil(&p)
		if p.Validate() == nil {
			t.Errorf("a wrong %s is accepted", name)
		}
	}
}

func TestDecimal(t *testing.T) {
	for text, want := range map[string]eval.Decimal{`"0.2"`: 0.2, `"1"`: 1, `"-3"`: -3} {
		var d eval.Decimal
		if err := json.Unmarshal([]byte(text), &d); err != nil || d != want {
			t.Errorf("%s reads as %v, %v", text, float64(d), err)
		}
		if raw, err := json.Marshal(d); err != nil || string(raw) != text {
			t.Errorf("%v is written as %s, %v", float64(d), raw, err)
		}
	}
	for _, text := range []string{`1`, `"x"`, `"NaN"`, `"Inf"`, `null1`} {
		var d eval.Decimal
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s reads as %v", text, float64(d))
		}
	}
	if _, err := json.Marshal(eval.Decimal(math.Inf(1))); err == nil {
		t.Error("infinity is written")
	}
}

func TestBlocks(t *testing.T) {
	p := eval.Devnet()
	if p.WindowOf(119) != 0 || p.WindowOf(120) != 1 || p.SeedBlock(7) != 9 {
		t.Error("window borders or seed block")
	}
	for now, want := range map[uint64]bool{0: false, 100: false, 160: false, 161: true} {
		if p.Expired(100, now) != want {
			t.Errorf("expired at %d: %v", now, !want)
		}
	}
}

func TestSeedsDifferByEverything(t *testing.T) {
	d := eval.Draw{BlockHash: [32]byte{1}, Hotkey: [32]byte{2}, Manifest: canon.Hash{3}}
	seen := make(map[eval.Seed]string)
	add := func(name string, s eval.Seed) {
		if other, ok := seen[s]; ok {
			t.Errorf("%s and %s have the same seed", name, other)
		}
		seen[s] = name
	}
	add("plain", d.Seed(eval.PurposeAudit))
	add("purpose", d.Seed(eval.PurposeSlice))
	add("validator 1", d.AuditSeed(eval.PurposeAudit, [32]byte{1}))
	add("validator 2", d.AuditSeed(eval.PurposeAudit, [32]byte{2}))
	for name, change := range map[string]func(*eval.Draw){
		"block": func(d *eval.Draw) { d.BlockHash[0]++ }, "hotkey": func(d *eval.Draw) { d.Hotkey[0]++ }, "manifest": func(d *eval.Draw) { d.Manifest[0]++ },
	} {
		other := d
		change(&other)
		add(name, other.Seed(eval.PurposeAudit))
	}
	add("comparison", eval.ComparisonSeed([32]byte{1}, canon.Hash{2}, "init"))
}

func TestStreamIsFixed(t *testing.T) {
	s := eval.Seed{}.Stream()
	got := []uint64{s.Below(1000), s.Below(1000), s.Below(1 << 63), s.Below(math.MaxUint64), s.Below(1)}
	if want := wantStream; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the stream gives %v, want %v", got, want)
	}
	for range 1000 {
		if u := s.Unit(); u < 0 || u >= 1 {
			t.Fatalf("unit number %v", u)
		}
	}
}

func TestJudge(t *testing.T) {
	crawl := eval.Wait(eval.CheckSlice, eval.Blame(eval.FaultCrawl, errors.New("crawl is down")))
	hub := eval.Wait(eval.CheckContent, eval.Blame(eval.FaultHub, errors.New("hub is down")))
	own := eval.Wait(eval.CheckSlice, errors.New("disk is full"))
	recipe := eval.Wait(eval.CheckQuality, eval.Blame(eval.FaultRecipe, errors.New("recipe waits")))
	pass, reject := eval.Pass(eval.CheckBinding, "fine"), eval.Reject(eval.CheckClusters, "wrong")
	for _, tc := range []struct {
		name             string
		checks           []eval.Check
		outcome, settled eval.Outcome
		fault            eval.Fault
		reason           string
	}{
		{"nothing", nil, eval.Undecided, eval.Undecided, eval.FaultOwn, "no check"},
		{"all pass", []eval.Check{pass}, eval.Accepted, eval.Accepted, eval.FaultNone, "passed: binding; not drawn"},
		{"a rejection decides", []eval.Check{pass, hub, own, reject}, eval.Rejected, eval.Rejected, eval.FaultNone, "wrong"},
		{"crawl", []eval.Check{pass, crawl}, eval.Undecided, eval.Accepted, eval.FaultCrawl, "crawl is down"},
		{"hub", []eval.Check{pass, hub}, eval.Undecided, eval.Undecided, eval.FaultHub, "hub is down"},
		{"the weightier fault", []eval.Check{crawl, own, hub}, eval.Undecided, eval.Undecided, eval.FaultOwn, "disk is full"},
		{"crawl and hub", []eval.Check{crawl, hub}, eval.Undecided, eval.Undecided, eval.FaultHub, "hub is down"},
		{"recipe", []eval.Check{pass, recipe}, eval.Undecided, eval.Undecided, eval.FaultRecipe, "recipe waits"},
		{"only the crawl", []eval.Check{crawl}, eval.Undecided, eval.Undecided, eval.FaultCrawl, "crawl is down"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := eval.Verdict{Checks: tc.checks}.Judge()
			if v.Outcome != tc.outcome || v.Fault != tc.fault || !strings.Contains(v.Reason, tc.reason) {
				t.Errorf("%s, fault %q, %q", v.Outcome, v.Fault, v.Reason)
			}
			if s := v.Settle(); s.Outcome != tc.settled || len(s.Checks) != len(v.Checks) {
				t.Errorf("settles as %s (%s)", s.Outcome, s.Reason)
			}
		})
	}
}

func TestVerdictProofAndFacts(t *testing.T) {
	c := eval.Reject(eval.CheckSlice, "wrong").With("file", "a").With("range", "0-1")
	c.Evidence.Proof = json.RawMessage(`{"v":1}`)
	if v := (eval.Verdict{Checks: []eval.Check{eval.Reject(eval.CheckContent, "x"), c}}); string(v.Proof()) != `{"v":1}` {
		t.Errorf("proof %s", v.Proof())
	}
	if v := (eval.Verdict{}); v.Proof() != nil {
		t.Error("a proof without checks")
	}
	more := c.With("file", "b")
	if c.Evidence.Facts["file"] != "a" || more.Evidence.Facts["file"] != "b" || len(more.Evidence.Facts) != 2 {
		t.Errorf("facts %v and %v", c.Evidence.Facts, more.Evidence.Facts)
	}
}

func TestBlame(t *testing.T) {
	inner := eval.Blame(eval.FaultHub, errors.New("down"))
	outer := eval.Blame(eval.FaultOwn, fmt.Errorf("read: %w", inner))
	if eval.FaultOf(outer) != eval.FaultHub || outer.Error() != "read: down" || eval.Blame(eval.FaultOwn, nil) != nil {
		t.Errorf("%v, fault %s", outer, eval.FaultOf(outer))
	}
	if eval.FaultOf(errors.New("x")) != eval.FaultNone {
		t.Error("a plain error carries a fault")
	}
}

// Golden values: a change here is a change of the protocol.
var (
	wantHash = map[string]string{
		"mainnet": "014dc667c39591793cada6d129a44b1379faff5b20b02f97cac970f5ddd18d3d",
		"devnet":  "2d630df6d5b4880895d851e82740d731def2f1d78199490cfb7168409b8af427",
	}
	wantStream = []uint64{308, 620, 1681659921925677432, 2357419828818178161, 0}
)
