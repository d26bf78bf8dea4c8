package submission_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"finest/chain"
	"finest/eval"
	"finest/eval/audit"
	"finest/hub"
	"finest/hub/pull"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline/dedup"
	"finest/roles/submission"
	"finest/roles/submission/submissiontest"
)

// caseOf returns the case of the work that a miner published last, claimed in
// the given publications.
func caseOf(m *submissiontest.Miner, work submissiontest.Work, manifest []byte, block uint64, claims ...contract.Claim) submission.Case {
	return submission.Case{
		Hotkey: m.Key.PublicKey(), Claims: claims,
		Bound: submission.Bound{Block: block, Line: contract.LogLine{Task: work.Receipt.Task, Generation: 1, Manifest: canon.Sum(manifest)}},
	}
}

func check(t testing.TB, w *submissiontest.World, r *submission.Resolver, c submission.Case) eval.Verdict {
	t.Helper()
	w.AwaitFinal(w.Protocol.SeedBlock(c.Block))
	seed, err := w.Chain.BlockAt(t.Context(), w.Protocol.SeedBlock(c.Block))
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Check(t.Context(), c, submission.Chance{Block: seed, Validator: w.Server.PublicKey()})
	if err != nil {
		t.Fatal(err)
	}
	return result.Verdict
}

// TestAnyLaterPublicationGivesTheContent: a task may be read from any claim
// that holds it.
func TestAnyLaterPublicationGivesTheContent(t *testing.T) {
	w := submissiontest.New(t)
	anna := w.Miner("//Anna")
	work := w.Refine(w.Lease(anna.Key))
	manifest := anna.Publish(work)
	block := anna.Claim()
	first := anna.Pending()
	anna.Move("elsewhere/finest")
	anna.Claim()
	second := anna.Pending()
	nowhere := contract.Claim{Repo: "nobody/nothing", Commit: strings.Repeat("0", 40)}
	empty := w.Miner("//Bert")
	empty.Commit(map[string][]byte{"README.md": []byte("nothing")})
	restore := func() {}
	for _, test := range []struct {
		name   string
		claims []contract.Claim
		remove string
		want   eval.Outcome
		reason string
	}{
		{"the first", []contract.Claim{first, second}, "", eval.Accepted, "passed"},
		{"the second", []contract.Claim{first, second}, first.Repo, eval.Accepted, "passed"},
		{"behind an empty one", []contract.Claim{empty.Pending(), second}, "", eval.Accepted, "passed"},
		{"empty ones alone", []contract.Claim{empty.Pending()}, "", eval.Rejected, "holds no tasks/"},
		{"an empty and a lost one", []contract.Claim{empty.Pending(), nowhere}, "", eval.Undecided, "not found on the hub"},
		{"a lost and an empty one", []contract.Claim{nowhere, empty.Pending()}, "", eval.Undecided, "not found on the hub"},
		{"none", nil, "", eval.Undecided, "no publication is known"},
	} {
		t.Run(test.name, func(t *testing.T) {
			restore()
			restore = func() {}
			if test.remove != "" {
				restore = w.RemoveRepo(test.remove)
			}
			v := check(t, w, w.Resolver(), caseOf(anna, work, manifest, block, test.claims...))
			if v.Outcome != test.want || !strings.Contains(v.Reason, test.reason) {
				t.Errorf("verdict is %s: %s, want %s: …%s…", v.Outcome, v.Reason, test.want, test.reason)
			}
			if test.want == eval.Undecided && v.Fault != eval.FaultHub && len(test.claims) > 0 {
				t.Errorf("fault is %q", v.Fault)
			}
		})
	}
}

// corruptHub gives other bytes than its hashes say.
type corruptHub struct{ hub.Hub }

func (h corruptHub) Stat(ctx context.Context, ref hub.Ref, path string) (hub.File, error) {
	f, err := h.Hub.Stat(ctx, ref, path)
	if strings.HasPrefix(path, "data/") {
		f.SHA256 = strings.Repeat("0", 64)
	}
	return f, err
}

// garblingHub gives other bytes than the commit holds.
type garblingHub struct{ hub.Hub }

func (h garblingHub) Open(ctx context.Context, ref hub.Ref, path string, offset, length int64) (io.ReadCloser, error) {
	r, err := h.Hub.Open(ctx, ref, path, offset, length)
	if err != nil || !strings.HasPrefix(path, "data/") {
		return r, err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if len(b) > 0 {
		b[len(b)/2] ^= 1
	}
	return io.NopCloser(bytes.NewReader(b)), err
}

// shutOut is a hub that takes the token for none when files below a folder are
// asked for.
type shutOut struct {
	hub.Hub
	folder string
}

var errBadToken = fmt.Errorf("%w: %w", hub.ErrDenied, hub.ErrSetup)

func (h shutOut) Stat(ctx context.Context, ref hub.Ref, path string) (hub.File, error) {
	if strings.HasPrefix(path, h.folder) {
		return hub.File{}, errBadToken
	}
	return h.Hub.Stat(ctx, ref, path)
}

func (h shutOut) Open(ctx context.Context, ref hub.Ref, path string, offset, length int64) (io.ReadCloser, error) {
	if strings.HasPrefix(path, h.folder) {
		return nil, errBadToken
	}
	return h.Hub.Open(ctx, ref, path, offset, length)
}

func TestWhoIsToBlame(t *testing.T) {
	w := submissiontest.New(t)
	anna := w.Miner("//Anna")
	work := w.Refine(w.Lease(anna.Key))
	manifest := anna.Publish(work)
	c := caseOf(anna, work, manifest, anna.Claim(), anna.Pending())
	for _, test := range []struct {
		name   string
		change func(*submission.Resolver, *submission.Case)
		want   eval.Outcome
		fault  eval.Fault
	}{
		{"all is well", func(*submission.Resolver, *submission.Case) {}, eval.Accepted, eval.FaultNone},
		{"unknown block of the task", func(_ *submission.Resolver, c *submission.Case) { c.Uncertain = true }, eval.Undecided, eval.FaultOwn},
		{"no such recipe here", func(r *submission.Resolver, _ *submission.Case) {
			r.Scanner = func(contract.Recipe) (audit.Scanner, error) { return nil, errors.New("unknown stage") }
		}, eval.Undecided, eval.FaultOwn},
		{"other recipe", func(r *submission.Resolver, _ *submission.Case) { r.Protocol.ReferenceRecipe = "other" }, eval.Undecided, eval.FaultRecipe},
		{"cache that cannot be written", func(r *submission.Resolver, _ *submission.Case) { r.CacheDir = "/dev/null/cache" }, eval.Undecided, eval.FaultOwn},
		{"cache that is too small", func(r *submission.Resolver, _ *submission.Case) { r.CacheBytes = 100 }, eval.Undecided, eval.FaultOwn},
		{"cache that another has", func(r *submission.Resolver, _ *submission.Case) {
			cache, err := pull.OpenCache(r.CacheDir, pull.Limits{Bytes: 1, Files: 1})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cache.Close() })
		}, eval.Undecided, eval.FaultOwn},
		{"file with other bytes", func(r *submission.Resolver, _ *submission.Case) { r.Hub = garblingHub{w.Hub} }, eval.Undecided, eval.FaultHub},
		{"hub that knows not the validator's token", func(r *submission.Resolver, _ *submission.Case) {
			r.Hub = shutOut{w.Hub, "data/"}
		}, eval.Undecided, eval.FaultOwn},
		{"hub that knows it no more", func(r *submission.Resolver, _ *submission.Case) {
			r.Hub = shutOut{w.Hub, "tasks/"}
		}, eval.Undecided, eval.FaultOwn},
		{"server keys of another time", func(r *submission.Resolver, _ *submission.Case) {
			r.Servers = []audit.ServerKey{{Address: w.Server.Address(), First: 1000}}
		}, eval.Rejected, eval.FaultNone},
		{"manifest of another line", func(_ *submission.Resolver, c *submission.Case) { c.Line.Manifest = strings.Repeat("1", 64) }, eval.Rejected, eval.FaultNone},
		{"file with another hash", func(r *submission.Resolver, _ *submission.Case) { r.Hub = corruptHub{w.Hub} }, eval.Rejected, eval.FaultNone},
		{"chain that forgot the block", func(r *submission.Resolver, _ *submission.Case) {
			r.Chain = forgetful{w.Chain, chain.ErrUnknownBlock}
		}, eval.Undecided, eval.FaultOwn},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, c := w.Resolver(), c
			test.change(r, &c)
			v := check(t, w, r, c)
			if v.Outcome != test.want || v.Fault != test.fault {
				t.Errorf("verdict is %s, fault %q: %s; want %s, fault %q", v.Outcome, v.Fault, v.Reason, test.want, test.fault)
			}
		})
	}
	r := w.Resolver()
	r.Chain = forgetful{w.Chain, chain.ErrUnavailable}
	if _, err := r.Check(t.Context(), c, submission.Chance{}); !errors.Is(err, chain.ErrUnavailable) {
		t.Errorf("a chain that cannot be reached gives %v", err)
	}
}

// TestUncheckableRecipe: a task server that grants leases for a recipe that only
// refine may run brings nobody pay or blame.
func TestUncheckableRecipe(t *testing.T) {
	w := submissiontest.New(t)
	w.Recipe.Stages = append(w.Recipe.Stages, dedup.URLSpec())
	w.Recipe.Stages[2].Assets = []contract.Asset{}
	anna := w.Miner("//Anna")
	work := w.Refine(w.Lease(anna.Key))
	manifest := anna.Publish(work)
	v := check(t, w, w.Resolver(), caseOf(anna, work, manifest, anna.Claim(), anna.Pending()))
	if v.Outcome != eval.Undecided || v.Fault != eval.FaultRecipe || !strings.Contains(v.Reason, dedup.URL) {
		t.Errorf("verdict is %s, fault %q: %s", v.Outcome, v.Fault, v.Reason)
	}
}

// forgetful is a chain without metagraphs.
type forgetful struct {
	chain.Client
	err error
}

func (f forgetful) Neurons(context.Context, uint16, chain.Block) ([]chain.Neuron, error) {
	return nil, f.err
}

// TestNoSeedNoSlice: without the block that seeds them, no random choices.
func TestNoSeedNoSlice(t *testing.T) {
	w := submissiontest.New(t)
	anna := w.Miner("//Anna")
	work := w.Refine(w.Lease(anna.Key))
	manifest := anna.Publish(work)
	c := caseOf(anna, work, manifest, anna.Claim(), anna.Pending())
	result, err := w.Resolver().Check(t.Context(), c, submission.Chance{})
	if err != nil {
		t.Fatal(err)
	}
	last := result.Verdict.Checks[len(result.Verdict.Checks)-1]
	if result.Verdict.Outcome != eval.Undecided || last.Name != eval.CheckSlice || !strings.Contains(last.Reason, "is not final yet") {
		t.Errorf("verdict %+v", result.Verdict)
	}
}

func TestDocument(t *testing.T) {
	w := submissiontest.New(t)
	anna := w.Miner("//Anna")
	work := w.Refine(w.Lease(anna.Key))
	manifest := anna.Publish(work)
	c := caseOf(anna, work, manifest, 0, anna.Pending())
	want := work.Rows[4]
	row, found, err := w.Resolver().Document(t.Context(), c, work.Receipt.Files[0].Path, want.WARCOffset)
	if err != nil || !found || row != want {
		t.Errorf("found %t %+v, %v, want %+v", found, row, err, want)
	}
	if _, found, err := w.Resolver().Document(t.Context(), c, "another.warc.gz", want.WARCOffset); found || err != nil {
		t.Errorf("found %t, %v in another file", found, err)
	}
}

// TestAnotherFileThanStated is not fetched, however large it is: nobody asks for
// it, and only the manifest's sizes are bounded.
func TestAnotherFileThanStated(t *testing.T) {
	w := submissiontest.New(t)
	anna := w.Miner("//Anna")
	work := w.Refine(w.Lease(anna.Key))
	manifest := anna.Publish(work)
	path := contract.ShardPath(work.Receipt.Crawl, work.Receipt.Task, 0)
	anna.Commit(map[string][]byte{path: make([]byte, 1000)})
	r := w.Resolver()
	opened := &opening{Hub: w.Hub}
	r.Hub = opened
	_, _, err := r.Document(t.Context(), caseOf(anna, work, manifest, 0, anna.Pending()), work.Receipt.Files[0].Path, 0)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path+" is another file") || slices.Contains(opened.paths, path) {
		t.Errorf("%v, read were %v", err, opened.paths)
	}
}

// opening notes what is read.
type opening struct {
	hub.Hub
	paths []string
}

func (h *opening) Open(ctx context.Context, ref hub.Ref, path string, offset, length int64) (io.ReadCloser, error) {
	h.paths = append(h.paths, path)
	return h.Hub.Open(ctx, ref, path, offset, length)
}

func TestLogsThatAreNotThere(t *testing.T) {
	w := submissiontest.New(t)
	anna := w.Miner("//Anna")
	anna.Publish(w.Refine(w.Lease(anna.Key)))
	good := anna.Pending()
	bad := good
	bad.LogSHA256 = strings.Repeat("0", 64)
	gone := good
	gone.Commit = strings.Repeat("0", 40)
	r := w.Resolver()
	if _, err := r.Log(t.Context(), submission.Claimed{Claim: good}); err != nil {
		t.Error(err)
	}
	if _, err := r.Log(t.Context(), submission.Claimed{Claim: bad}); !errors.Is(err, submission.ErrNoLog) {
		t.Errorf("another log gives %v", err)
	}
	if _, err := r.Log(t.Context(), submission.Claimed{Claim: gone}); err == nil || errors.Is(err, submission.ErrNoLog) || eval.FaultOf(err) != eval.FaultHub {
		t.Errorf("a commit that is gone gives %v", err)
	}
}

// shortChain has the state of some blocks only.
type shortChain struct {
	chain.Client
	first uint64
	reads int
}

func (c *shortChain) CommitmentEvents(context.Context, uint16, chain.Block) ([]chain.Commitment, error) {
	return nil, nil
}

func (c *shortChain) BlockAt(_ context.Context, number uint64) (chain.Block, error) {
	c.reads++
	if number < c.first {
		return chain.Block{}, fmt.Errorf("block %d: %w", number, chain.ErrUnknownBlock)
	}
	return chain.Block{Number: number}, nil
}

func TestFirstReadable(t *testing.T) {
	for _, test := range []struct{ from, to, first, want uint64 }{
		{0, 0, 0, 0}, {5, 5, 0, 5}, {5, 1000, 0, 5}, {5, 1000, 5, 5}, {5, 1000, 6, 6}, {5, 1000, 700, 700}, {5, 1000, 1000, 1000}, {0, 1 << 40, 12345, 12345},
	} {
		c := &shortChain{first: test.first}
		got, err := submission.FirstReadable(t.Context(), c, 1, test.from, test.to)
		if err != nil || got != test.want || c.reads > 45 {
			t.Errorf("first readable block of %d to %d, of a chain from %d on, is %d (%v), want %d; %d reads", test.from, test.to, test.first, got, err, test.want, c.reads)
		}
	}
}
