// Package submission is what validator and inspector share: a claim resolved
// into tasks, and the checks made on a task with everything they need from
// chain, hub and crawl.
package submission

import (
	"context"
	"errors"
	"fmt"

	"finest/chain"
	"finest/chain/wallet"
	"finest/eval"
	"finest/eval/audit"
	"finest/hub"
	"finest/internal/canon"
	"finest/internal/contract"
)

// ErrVoid says that a claim changes nothing, whoever looks at it.
var ErrVoid = errors.New("void claim")

func isVoid(err error) bool { return errors.Is(err, ErrVoid) }

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
	// CacheDir holds the files of the publication that is being checked.
	CacheDir string
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
func (r *Resolver) Log(ctx context.Context, c contract.Claim) ([]byte, error) {
	raw, err := hub.ReadFile(ctx, r.Hub, ref(c), contract.LogPath, contract.MaxLogBytes)
	if err != nil {
		return nil, eval.Blame(eval.FaultHub, err)
	}
	if canon.Sum(raw) != c.LogSHA256 {
		return nil, fmt.Errorf("%w: %s of %s is not the log that was claimed", ErrVoid, contract.LogPath, c)
	}
	return raw, nil
}

func ref(c contract.Claim) hub.Ref { return hub.Ref{Repo: c.Repo, Revision: c.Commit} }

// Open reads the manifest of a case from the first of its publications that
// gives it. A nil submission comes with the check that explains why.
func (r *Resolver) Open(ctx context.Context, c Case) (*audit.Submission, []byte, *eval.Check) {
	var undecided *eval.Check
	for _, claim := range c.Claims {
		files := &files{hub: r.Hub, ref: ref(claim), dir: r.CacheDir}
		raw, err := files.read(ctx, contract.ManifestPath(c.Line.Task), audit.MaxManifestBytes)
		if isMissing(err) {
			check := eval.Reject(eval.CheckContent, fmt.Sprintf("the log names task %s, but %s holds no %s",
				c.Line.Task, claim, contract.ManifestPath(c.Line.Task)))
			return nil, nil, &check
		}
		if err != nil {
			check := eval.Wait(eval.CheckContent, err)
			undecided = &check
			continue
		}
		s, err := audit.NewSubmission(c.Address(), claim, c.Block, c.Line, raw)
		if err != nil {
			check := eval.Reject(eval.CheckContent, err.Error())
			return nil, raw, &check
		}
		return s, raw, nil
	}
	if undecided == nil {
		check := eval.Wait(eval.CheckContent, errors.New("no publication is known for the task"))
		undecided = &check
	}
	return nil, nil, undecided
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
	if receipt == nil || receipt.Block >= c.Block {
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
	// Block is the finalised block k after the task's.
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
// rejection ends them. An error is that of ctx.
func (r *Resolver) Check(ctx context.Context, c Case, chance Chance) (Result, error) {
	v := eval.Verdict{Task: c.Line.Task, Generation: c.Line.Generation, Hotkey: c.Address(), Manifest: c.Line.Manifest}
	s, _, failed := r.Open(ctx, c)
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	if failed != nil {
		v.Checks = append(v.Checks, *failed)
		return Result{Verdict: v.Judge()}, nil
	}
	var err error
	v.Checks, v.Audited, err = r.checks(ctx, c, s, chance)
	if err != nil {
		return Result{}, err
	}
	return Result{Verdict: v.Judge(), Submission: s}, nil
}

func (r *Resolver) checks(ctx context.Context, c Case, s *audit.Submission, chance Chance) (checks []eval.Check, audited bool, err error) {
	add := func(check eval.Check) (goOn bool) {
		checks = append(checks, check)
		return check.Outcome == eval.Accepted
	}
	if c.Uncertain && !add(eval.Wait(eval.CheckBinding, eval.Blame(eval.FaultOwn,
		fmt.Errorf("the claim was made before this validator followed the chain, so the block of the task is not known")))) {
		return checks, false, nil
	}
	facts, err := r.Facts(ctx, c, s)
	if ctx.Err() != nil {
		return nil, false, context.Cause(ctx)
	}
	if err != nil {
		add(eval.Wait(eval.CheckBinding, eval.Blame(eval.FaultOwn, err)))
		return checks, false, nil
	}
	if !add(audit.Binding(s, facts, r.Protocol)) {
		return checks, false, nil
	}
	published := &files{hub: r.Hub, ref: ref(s.Claim), dir: r.CacheDir}
	defer published.remove()
	check, err := audit.Content(ctx, s, published, verify)
	if err != nil {
		return nil, false, err
	}
	if !add(check) {
		return checks, false, nil
	}
	draw, err := r.draw(c, s, chance)
	if err != nil {
		add(eval.Wait(eval.CheckSlice, err))
		return checks, false, nil
	}
	audited = r.Protocol.Audited(draw.AuditSeed(eval.PurposeAudit, chance.Validator), chance.Accepted)
	if audited {
		checks, err = r.audit(ctx, s, published, draw.AuditSeed(eval.PurposeSlice, chance.Validator), checks)
		if err != nil || checks[len(checks)-1].Outcome == eval.Rejected {
			return checks, audited, err
		}
	}
	return append(checks, r.quality(s)), audited, nil
}

// audit makes the checks 3 and 4. An unreachable crawl does not keep the
// clusters from being checked.
func (r *Resolver) audit(ctx context.Context, s *audit.Submission, files audit.Files, seed eval.Seed, checks []eval.Check) ([]eval.Check, error) {
	scanner, err := r.Scanner(s.Manifest.Recipe)
	if err != nil {
		return append(checks, eval.Wait(eval.CheckSlice, eval.Blame(eval.FaultOwn, err))), nil
	}
	slice, err := audit.Slice(ctx, s, files, audit.Source{Ranges: r.Crawl, Scanner: scanner}, seed, r.Protocol.Slice)
	if err != nil {
		return nil, err
	}
	checks = append(checks, slice)
	if slice.Outcome == eval.Rejected {
		return checks, nil
	}
	clusters, err := audit.Clusters(ctx, s, files)
	if err != nil {
		return nil, err
	}
	return append(checks, clusters), nil
}

// quality is check 5 as far as it goes without training: the reference recipe
// is 1 by identity, any other waits until it is judged.
func (r *Resolver) quality(s *audit.Submission) eval.Check {
	name := s.Manifest.Recipe.Name
	if name == r.Protocol.ReferenceRecipe {
		return eval.Pass(eval.CheckQuality, fmt.Sprintf("%s is the reference recipe, whose quality is 1", name))
	}
	return eval.Wait(eval.CheckQuality, eval.Blame(eval.FaultRecipe, fmt.Errorf("the quality of recipe %s is not judged yet", name)))
}

func (r *Resolver) draw(c Case, s *audit.Submission, chance Chance) (eval.Draw, error) {
	manifest, err := canon.ParseHash(s.Line.Manifest)
	if err != nil {
		return eval.Draw{}, err
	}
	return eval.Draw{BlockHash: chance.Block.Hash, Hotkey: c.Hotkey, Manifest: manifest}, nil
}

// Confirm checks a fraud proof that somebody else found against a case.
func (r *Resolver) Confirm(ctx context.Context, c Case, p audit.Proof) (reason string, err error) {
	s, raw, failed := r.Open(ctx, c)
	if failed != nil {
		return "", eval.Blame(eval.FaultHub, errors.New(failed.Reason))
	}
	scanner, err := r.Scanner(s.Manifest.Recipe)
	if err != nil {
		return "", eval.Blame(eval.FaultOwn, err)
	}
	published := &files{hub: r.Hub, ref: ref(s.Claim), dir: r.CacheDir}
	defer published.remove()
	return audit.Confirm(ctx, p, raw, published, audit.Source{Ranges: r.Crawl, Scanner: scanner})
}
