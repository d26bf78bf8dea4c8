package audit_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/audit"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline/shard"
)

// forger makes proofs against a submission with leaves that are truly its own.
type forger struct {
	c            *claim
	ledger, rows []audit.Leaf
}

func newForger(t testing.TB, c *claim) forger {
	t.Helper()
	ledger, rows := readClaim(t, c)
	return forger{c: c, ledger: leaves(t, ledger, shard.LedgerLeaf), rows: leaves(t, rows, shard.RowLeaf)}
}

func leaves[R interface{ Canonical() []any }](t testing.TB, rows []R, hash func(R) (canon.Hash, error)) []audit.Leaf {
	t.Helper()
	hashes := make([]canon.Hash, len(rows))
	for i, r := range rows {
		var err error
		if hashes[i], err = hash(r); err != nil {
			t.Fatal(err)
		}
	}
	out := make([]audit.Leaf, len(rows))
	for i, r := range rows {
		out[i] = audit.Leaf{Index: uint64(i), Row: mustMarshal(t, r.Canonical())}
		for _, h := range canon.Path(hashes, i) {
			out[i].Path = append(out[i].Path, h.String())
		}
	}
	return out
}

func (f forger) proof(kind string) audit.Proof {
	s := f.c.s
	return audit.Proof{
		V: audit.ProofVersion, Kind: kind, Hotkey: s.Hotkey, Task: s.Line.Task, Generation: s.Line.Generation,
		Manifest: s.Line.Manifest, Claim: s.Claim.String(), Claimed: -1,
	}
}

// around adds every leaf that could matter to a ledger proof.
func (f forger) around(p audit.Proof) audit.Proof {
	for i, leaf := range f.ledger {
		for _, want := range []int64{int64(p.First) - 1, int64(p.First), p.Claimed, int64(p.Last) - 1, int64(p.Last)} {
			if int64(i) == want {
				p.Leaves = append(p.Leaves, leaf)
				break
			}
		}
	}
	return p
}

func wantRefuted(t testing.TB, c *claim, p audit.Proof, src audit.Source) {
	t.Helper()
	reason, err := audit.Confirm(context.Background(), p, c.manifest, c.files, src)
	if !errors.Is(err, audit.ErrRefuted) {
		p.Leaves = nil
		t.Fatalf("a proof against an honest miner gives %q, %v: %+v", reason, err, p)
	}
}

// TestNoProofAgainstAnHonestMinerHolds tries proofs with all kinds of ends that
// the ledger's own rows can show.
func TestNoProofAgainstAnHonestMinerHolds(t *testing.T) {
	w := newWorld(t, 21, 3, 9, true)
	c := w.publish(w.ledger, w.rows)
	wantOutcome(t, c.content(t), eval.Accepted)
	f := newForger(t, c)
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(edges ...string) string { return edges[rng.IntN(len(edges))] }
	n := len(f.ledger)
	for range 3000 {
		p := f.proof(audit.KindLedger)
		first := rng.IntN(n + 1)
		last := min(first+rng.IntN(1+rng.IntN(n)), n)
		p.First, p.Last = uint64(first), uint64(last)
		p.File = rng.Int32N(int32(len(w.paths)))
		if rng.IntN(4) > 0 { // mostly the file that the rows are of
			p.File = w.ledger[min(first, n-1)].File
		}
		p.From, p.To = pick(audit.EdgeFile, audit.EdgeRow), pick(audit.EdgeFile, audit.EdgeRow, audit.EdgeBorder)
		p.Claimed = int64(first-1) + rng.Int64N(int64(last-first)+2)
		wantRefuted(t, c, f.around(p), w.source())
	}
	for i, l := range w.ledger {
		if l.Outcome == contract.OutcomeDamaged { // reading from within damage proves nothing
			p := f.proof(audit.KindLedger)
			p.File, p.First, p.Last, p.From, p.To, p.Claimed = l.File, uint64(i), uint64(i+1), audit.EdgeRow, audit.EdgeRow, int64(i)
			_, err := audit.Confirm(context.Background(), f.around(p), c.manifest, c.files, w.source())
			if !errors.Is(err, audit.ErrRefuted) || !strings.Contains(err.Error(), "does not show where") {
				t.Errorf("a range that begins at a damaged row: %v", err)
			}
		}
	}
	for i := range f.rows {
		for file := range int32(len(w.paths)) {
			p := f.proof(audit.KindDocument)
			p.File, p.Claimed, p.Leaves = file, int64(i), f.rows[i:i+1]
			wantRefuted(t, c, p, w.source())
		}
	}
	for _, kind := range []string{audit.KindClusters, audit.KindSize, "", "gossip"} {
		for file := int32(-1); file <= int32(len(w.paths)); file++ {
			p := f.proof(kind)
			p.File = file
			wantRefuted(t, c, p, w.source())
		}
	}
}

func TestConfirmRefusesProofsThatAreNotOfTheManifest(t *testing.T) {
	w := newWorld(t, 22, 1, 8, false)
	rows := w.rowsCopy()
	rows[2].Text += " and more"
	c := w.publish(w.ledger, rows)
	check := c.slice(t, w.source(), wholeSeed(c, 1), wholeFile)
	wantOutcome(t, check, eval.Rejected)
	good := c.confirmed(t, check, w.source(), false)
	for name, spoil := range map[string]func(*audit.Proof){
		"another hotkey":     func(p *audit.Proof) { p.Hotkey = serverKey },
		"another task":       func(p *audit.Proof) { p.Task += "1" },
		"another generation": func(p *audit.Proof) { p.Generation++ },
		"another manifest":   func(p *audit.Proof) { p.Manifest = canon.Sum(nil) },
		"a changed row": func(p *audit.Proof) {
			p.Leaves[0].Row = []byte(strings.Replace(string(p.Leaves[0].Row), "and more", "and less", 1))
		},
		"a changed path": func(p *audit.Proof) { p.Leaves[0].Path[0] = canon.Sum(nil) },
		"a short path":   func(p *audit.Proof) { p.Leaves[0].Path = p.Leaves[0].Path[1:] },
		"no hash":        func(p *audit.Proof) { p.Leaves[0].Path[0] = "x" },
		"another index":  func(p *audit.Proof) { p.Leaves[0].Index++ },
		"two leaves":     func(p *audit.Proof) { p.Leaves = append(p.Leaves, p.Leaves[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := good.Encode()
			if err != nil {
				t.Fatal(err)
			}
			p, err := audit.ParseProof(raw)
			if err != nil {
				t.Fatal(err)
			}
			spoil(&p)
			wantRefuted(t, c, p, w.source())
		})
	}
	t.Run("row read from the publication", func(t *testing.T) {
		p := good
		p.Leaves = nil
		if _, err := audit.Confirm(context.Background(), p, c.manifest, c.files, w.source()); err != nil {
			t.Error(err)
		}
		if _, err := audit.Confirm(context.Background(), p, c.manifest, nil, w.source()); !errors.Is(err, audit.ErrRefuted) {
			t.Errorf("without the publication: %v", err)
		}
	})
}

func TestProofOfAnOverlongRowStaysShort(t *testing.T) {
	w := newWorld(t, 23, 1, 6, false)
	rows := w.rowsCopy()
	rows[1].Text = strings.Repeat("long \n", contract.MaxProof/6+1)
	c := w.publish(w.ledger, rows)
	check := c.slice(t, w.source(), wholeSeed(c, 1), wholeFile)
	wantOutcome(t, check, eval.Rejected)
	if len(check.Evidence.Proof) > 4<<10 || len(check.Reason) > 1<<10 {
		t.Errorf("proof of %d bytes, reason of %d", len(check.Evidence.Proof), len(check.Reason))
	}
	c.confirmed(t, check, w.source(), true)
}

func TestParseProofRefuses(t *testing.T) {
	w := newWorld(t, 24, 1, 3, false)
	f := newForger(t, w.publish(w.ledger, w.rows))
	raw, err := f.proof(audit.KindClusters).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing": "", "no object": "[]", "another version": strings.Replace(string(raw), `"v":1`, `"v":2`, 1),
		"an unknown field": strings.Replace(string(raw), `"v":1`, `"v":1,"w":1`, 1),
		"white space":      " " + string(raw),
		"too long":         `{"reason":"` + strings.Repeat("x", contract.MaxProof) + `"}`,
	} {
		if _, err := audit.ParseProof([]byte(text)); err == nil {
			t.Errorf("%s is taken for a proof", name)
		}
	}
}

// FuzzConfirm wants no text to hold as a proof against an honest submission, or
// to take the process down.
func FuzzConfirm(f *testing.F) {
	w := newWorld(f, 25, 2, 6, true)
	c := w.publish(w.ledger, w.rows)
	forge := newForger(f, c)
	for i := range forge.ledger {
		p := forge.proof(audit.KindLedger)
		p.File, p.First, p.Last = w.ledger[i].File, uint64(i), uint64(i+1)
		p.From, p.To, p.Claimed = audit.EdgeRow, audit.EdgeRow, int64(i)
		raw, err := forge.around(p).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	p := forge.proof(audit.KindDocument)
	p.Leaves = forge.rows[:1]
	f.Add(mustMarshal(f, p))
	f.Add(mustMarshal(f, forge.proof(audit.KindClusters)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := audit.ParseProof(raw)
		if err != nil {
			return
		}
		if reason, err := audit.Confirm(context.Background(), p, c.manifest, c.files, w.source()); err == nil {
			t.Fatalf("holds against an honest miner: %s", reason)
		}
	})
}
