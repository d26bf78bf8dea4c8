// Package submission is what validator and inspector share: a claim resolved
// into tasks, and the checks made on a task with everything they need from
// chain, hub and crawl.
package submission

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"finest/chain"
	"finest/chain/wallet"
	"finest/eval"
	"finest/eval/audit"
	"finest/hub"
	"finest/hub/pull"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/recipes"
	"finest/pipeline/shard"
	"finest/pipeline/shard/guard"
)

// Resolver reads what stands behind claims.
type Resolver struct {
	Chain  chain.Client
	Hub    hub.Hub
	Netuid uint16
	// Crawl is where byte ranges of the WARC files come from.
	Crawl audit.Ranges
	// Scanner returns the recipe at work; an error is the validator's own fault.
	Scanner  func(contract.Recipe) (audit.Scanner, error)
	Protocol eval.Protocol
	// Servers are the task-server keys; without any, the subnet owner's counts.
	Servers []audit.ServerKey
	// CacheDir is the folder of the cache that the files of publications come
	// through, CacheBytes what it may hold; 0 is DefaultCacheBytes. A publication
	// with a larger file cannot be checked.
	CacheDir   string
	CacheBytes int64
	// Guard reads every shard and ledger once in a process of its own before they
	// are read in this one; nil spares that.
	Guard *guard.Guard
	// Judged returns check 5 of a task that was claimed in block and refined with
	// another recipe than the reference, undecided where its quality could not be
	// told; false as long as nothing is known of it. Nil knows nothing.
	Judged func(recipe contract.RecipeRef, block uint64) (eval.Check, bool)

	mu    sync.Mutex
	cache *pull.Cache
}

// Case is one task of a claim, before anything was read of it.
type Case struct {
	Hotkey chain.PublicKey
	Bound
	// Claims are publications that hold the task, any of which may be read.
	Claims []contract.Claim
}

// Address returns the hotkey as contracts write it.
func (c Case) Address() string { return wallet.Address(c.Hotkey) }

// Log reads the claim log of a claim; it is a ReadLog.
func (r *Resolver) Log(ctx context.Context, c Claimed) ([]byte, error) {
	raw, err := readSmall(ctx, r.Hub, ref(c.Claim), contract.LogPath, contract.MaxLogBytes)
	switch {
	case isMissing(err):
		return nil, fmt.Errorf("%w: %w", ErrNoLog, err)
	case err != nil:
		return nil, err
	case canon.Sum(raw) != c.Claim.LogSHA256:
		return nil, fmt.Errorf("%w: %s of %s has another SHA-256 than was claimed", ErrNoLog, contract.LogPath, c.Claim)
	}
	return raw, nil
}

func ref(c contract.Claim) hub.Ref { return hub.Ref{Repo: c.Repo, Revision: c.Commit} }

// opened is a case whose manifest was read.
type opened struct {
	*audit.Submission
	manifest []byte
	files    *files
}

// open reads the manifest of a case from the first of its publications that
// gives it. If none does, the check says why: a rejection if all could be read.
func (r *Resolver) open(ctx context.Context, c Case) (opened, *eval.Check) {
	failed := eval.Wait(eval.CheckContent, errors.New("no publication is known for the task"))
	path := contract.ManifestPath(c.Line.Task)
	for i, claim := range c.Claims {
		raw, err := readSmall(ctx, r.Hub, ref(claim), path, audit.MaxManifestBytes)
		var check eval.Check
		switch {
		case isMissing(err):
			check = eval.Reject(eval.CheckContent, fmt.Sprintf("the log names task %s, but %s holds no %s", c.Line.Task, claim, path))
		case err != nil:
			check = eval.Wait(eval.CheckContent, err)
		default:
			s, err := audit.NewSubmission(c.Address(), claim, c.Block, c.Line, raw)
			if err == nil {
				return opened{s, raw, r.files(s.Manifest, c.Claims[i:])}, nil
			}
			check = eval.Reject(eval.CheckContent, err.Error())
		}
		if i == 0 || failed.Outcome == eval.Rejected && check.Outcome == eval.Undecided {
			failed = check
		}
	}
	return opened{}, &failed
}

// Facts reads what the chain says of a submission.
func (r *Resolver) Facts(ctx context.Context, c Case, s *audit.Submission) (audit.Facts, error) {
	facts := audit.Facts{Servers: r.Servers, Verify: verify}
	at, err := r.Chain.BlockAt(ctx, c.Block)
	if err != nil {
		return facts, err
	}
	neurons, err := r.Chain.Neurons(ctx, r.Netuid, at)
	if err != nil {
		return facts, err
	}
	for _, n := range neurons {
		facts.Registered = facts.Registered || n.Hotkey == c.Hotkey
	}
	receipt := s.Manifest.Receipt
	if receipt == nil {
		return facts, nil
	}
	if receipt.Block >= c.Block {
		// A receipt from after the claim is refused for that; its block may not even
		// exist yet.
		facts.ReceiptBlockHash = receipt.BlockHash
		return facts, nil
	}
	leased, err := r.Chain.BlockAt(ctx, receipt.Block)
	if err != nil {
		return facts, err
	}
	facts.ReceiptBlockHash = leased.Hash.String()
	subnet, err := r.Chain.Subnet(ctx, r.Netuid, leased)
	if err != nil {
		return facts, err
	}
	facts.Owner = wallet.Address(subnet.Owner)
	return facts, nil
}

func verify(address string, message, signature []byte) bool {
	key, err := wallet.ParseAddress(address)
	return err == nil && len(signature) == 64 && wallet.Verify(key, message, [64]byte(signature))
}

// Chance is what the random choices about a case depend on.
type Chance struct {
	// Block is the finalised block k after the task's; as long as there is none,
	// the zero block, nothing is drawn.
	Block chain.Block
	// Validator is who audits; Accepted its count of the hotkey's accepted
	// tasks since the last failure.
	Validator chain.PublicKey
	Accepted  int64
}

// Result is a verdict with what it is about.
type Result struct {
	Verdict eval.Verdict
	// Submission is nil if there was no manifest to read.
	Submission *audit.Submission
}

// Check makes the checks 1 to 5 of one case, cheap ones first; the first
// rejection ends them. An error is that of ctx, or says that the chain cannot be
// reached.
func (r *Resolver) Check(ctx context.Context, c Case, chance Chance) (Result, error) {
	v := eval.Verdict{Task: c.Line.Task, Generation: c.Line.Generation, Hotkey: c.Address(), Manifest: c.Line.Manifest}
	o, failed := r.open(ctx, c)
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	if failed != nil {
		v.Checks = append(v.Checks, *failed)
		return Result{Verdict: v.Judge()}, nil
	}
	var err error
	v.Checks, v.Audited, err = r.checks(ctx, c, o, chance)
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	if err != nil {
		return Result{}, err
	}
	return Result{Verdict: v.Judge(), Submission: o.Submission}, nil
}

func (r *Resolver) checks(ctx context.Context, c Case, o opened, chance Chance) (checks []eval.Check, audited bool, err error) {
	binding, err := r.binding(ctx, c, o.Submission)
	checks = append(checks, binding)
	if err != nil || binding.Outcome != eval.Accepted {
		return checks, false, err
	}
	if err := recipes.Checkable(o.Manifest.Recipe); err != nil {
		// Whoever served it, no audit can accept or reject what came of it.
		return append(checks, eval.Wait(eval.CheckSlice, eval.Blame(eval.FaultRecipe, err))), false, nil
	}
	content, err := r.content(ctx, o)
	checks = append(checks, content)
	if err != nil || content.Outcome != eval.Accepted {
		return checks, false, err
	}
	if chance.Block == (chain.Block{}) {
		return append(checks, eval.Check{Name: eval.CheckSlice, Outcome: eval.Undecided,
			Reason: fmt.Sprintf("block %d, which draws the slice, is not final yet", r.Protocol.SeedBlock(c.Block))}), false, nil
	}
	draw, err := r.draw(c)
	if err != nil {
		return append(checks, eval.Wait(eval.CheckSlice, err)), false, nil
	}
	audited = r.Protocol.Audited(draw(chance.Block, eval.PurposeAudit, chance.Validator), chance.Accepted)
	if audited {
		checks, err = r.audit(ctx, o, draw(chance.Block, eval.PurposeSlice, chance.Validator), checks)
		if err != nil || checks[len(checks)-1].Outcome == eval.Rejected {
			return checks, audited, err
		}
	}
	return append(checks, r.quality(o.Submission)), audited, nil
}

func (r *Resolver) binding(ctx context.Context, c Case, s *audit.Submission) (eval.Check, error) {
	if c.Uncertain {
		return eval.Wait(eval.CheckBinding, eval.Blame(eval.FaultOwn,
			errors.New("claims before this one were not seen, so the block of the task is not known"))), nil
	}
	facts, err := r.Facts(ctx, c, s)
	switch {
	case errors.Is(err, chain.ErrUnavailable):
		return eval.Check{}, err
	case err != nil:
		return eval.Wait(eval.CheckBinding, eval.Blame(eval.FaultOwn, err)), nil
	}
	return audit.Binding(s, facts, r.Protocol), nil
}

func (r *Resolver) content(ctx context.Context, o opened) (eval.Check, error) {
	if problem := sizeProblem(o.Manifest); problem != "" {
		return eval.Reject(eval.CheckContent, problem), nil
	}
	return audit.Content(ctx, o.Submission, o.files, verify)
}

// audit makes the checks 3 and 4. An unreachable crawl does not keep the
// clusters from being checked.
func (r *Resolver) audit(ctx context.Context, o opened, seed eval.Seed, checks []eval.Check) ([]eval.Check, error) {
	scanner, err := r.Scanner(o.Manifest.Recipe)
	if err != nil {
		return append(checks, eval.Wait(eval.CheckSlice, eval.Blame(eval.FaultOwn, err))), nil
	}
	slice, err := audit.Slice(ctx, o.Submission, o.files, audit.Source{Ranges: r.Crawl, Scanner: scanner}, seed, r.Protocol.Slice)
	if err != nil {
		return nil, err
	}
	checks = append(checks, slice)
	if slice.Outcome == eval.Rejected {
		return checks, nil
	}
	clusters, err := audit.Clusters(ctx, o.Submission, o.files)
	if err != nil {
		return nil, err
	}
	return append(checks, clusters), nil
}

// quality is check 5: the reference recipe is 1 by identity, any other waits
// until it is judged. It relies on Binding having passed.
func (r *Resolver) quality(s *audit.Submission) eval.Check {
	name := s.Manifest.Recipe.Name
	if name == r.Protocol.ReferenceRecipe {
		return eval.Pass(eval.CheckQuality, fmt.Sprintf("%s is the reference recipe, whose quality is 1", name))
	}
	if r.Judged != nil {
		if check, known := r.Judged(s.Manifest.Receipt.Recipe, s.Block); known {
			return check
		}
	}
	return eval.Wait(eval.CheckQuality, eval.Blame(eval.FaultRecipe, fmt.Errorf("the quality of recipe %s is not judged yet", name)))
}

// draw returns how the seeds of a case follow from a block.
func (r *Resolver) draw(c Case) (func(at chain.Block, purpose string, validator chain.PublicKey) eval.Seed, error) {
	manifest, err := canon.ParseHash(c.Line.Manifest)
	if err != nil {
		return nil, err
	}
	return func(at chain.Block, purpose string, validator chain.PublicKey) eval.Seed {
		return eval.Draw{BlockHash: at.Hash, Hotkey: c.Hotkey, Manifest: manifest}.AuditSeed(purpose, validator)
	}, nil
}

// Confirm checks a fraud proof that somebody else found against a case, as
// audit.Confirm does.
func (r *Resolver) Confirm(ctx context.Context, c Case, p audit.Proof) (reason string, err error) {
	o, failed := r.open(ctx, c)
	if failed != nil {
		return "", eval.Blame(cmp.Or(failed.Fault, eval.FaultHub), errors.New(failed.Reason))
	}
	if problem := sizeProblem(o.Manifest); problem != "" {
		return "", eval.Blame(eval.FaultOwn, errors.New(problem))
	}
	scanner, err := r.Scanner(o.Manifest.Recipe)
	if err != nil {
		return "", eval.Blame(eval.FaultOwn, err)
	}
	return audit.Confirm(ctx, p, o.manifest, o.files, audit.Source{Ranges: r.Crawl, Scanner: scanner})
}

// Content returns what a case published. An error carries the fault of whoever
// keeps it from being read.
func (r *Resolver) Content(ctx context.Context, c Case) (*audit.Submission, audit.Files, error) {
	o, failed := r.open(ctx, c)
	switch {
	case ctx.Err() != nil:
		return nil, nil, context.Cause(ctx)
	case failed != nil:
		return nil, nil, eval.Blame(cmp.Or(failed.Fault, eval.FaultHub), errors.New(failed.Reason))
	}
	return o.Submission, o.files, nil
}

// Document returns the row of a case's shards that names the record at offset
// of a WARC file, if there is one.
func (r *Resolver) Document(ctx context.Context, c Case, path string, offset int64) (row contract.Row, found bool, err error) {
	o, failed := r.open(ctx, c)
	if failed != nil {
		return row, false, errors.New(failed.Reason)
	}
	for _, f := range o.Manifest.Shards() {
		file, err := o.files.Open(ctx, f.Path)
		if err != nil {
			return row, false, err
		}
		row, found, err = findDocument(file, f.Rows, pipeline.FilePath(path), offset)
		if err := errors.Join(err, file.Close()); err != nil || found {
			return row, found, err
		}
	}
	return row, false, nil
}

func findDocument(file audit.File, rows int64, path string, offset int64) (contract.Row, bool, error) {
	for row, err := range shard.ReadRows(file, file.Size(), rows) {
		if err != nil || row.FilePath == path && row.WARCOffset == offset {
			return row, err == nil, err
		}
	}
	return contract.Row{}, false, nil
}
