// Package inspector explains one claim, end to end: who made it, what stands
// behind it, and what an audit of it finds. It keeps nothing and changes
// nothing.
package inspector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"finest/chain"
	"finest/chain/wallet"
	"finest/eval"
	"finest/hub"
	"finest/internal/contract"
	"finest/roles/submission"
)

// ErrUnknownTarget says that nothing on the subnet is what was asked for.
var ErrUnknownTarget = errors.New("unknown target")

// DefaultTasks is how many tasks of a claim are looked into.
const DefaultTasks = 16

// Options describe an inspection.
type Options struct {
	Resolver *submission.Resolver
	Chain    chain.Client
	Hub      hub.Hub
	Netuid   uint16
	// Validator is whose slices are drawn; with the zero key they are nobody's.
	Validator chain.PublicKey
	// FromBlock is the block from which on claims are followed; what came before
	// is taken from storage. 0 is one window before the newest final block.
	FromBlock uint64
	// Tasks bounds the tasks that are looked into, newest first; 0 is
	// DefaultTasks.
	Tasks int
}

// Inspect explains a claim: the newest one of a UID or of an SS58 address, or
// the one that names owner/repo@commit. Every task is audited, whether or not a
// validator would. An error that wraps ErrUnknownTarget says that there is no
// such claim; whatever is wrong with a claim is no error but part of the story.
func Inspect(ctx context.Context, o Options, target string) (Story, error) {
	story, err := inspect(ctx, o, target)
	if err != nil {
		return Story{}, fmt.Errorf("inspect %.150q: %w", target, err)
	}
	return story, nil
}

func inspect(ctx context.Context, o Options, target string) (Story, error) {
	final, err := o.Chain.Finalized(ctx)
	if err != nil {
		return Story{}, fmt.Errorf("read the newest final block: %w", err)
	}
	in := inspection{Options: o, final: final}
	if in.Tasks <= 0 {
		in.Tasks = DefaultTasks
	}
	in.story = Story{Target: target, Netuid: o.Netuid, Block: final.Number}
	if err := in.find(ctx, target); err != nil {
		return Story{}, err
	}
	if err := in.settle(ctx); err != nil {
		return Story{}, err
	}
	if err := in.tasks(ctx); err != nil {
		return Story{}, err
	}
	in.conclude()
	return in.story, nil
}

// inspection is one call of Inspect.
type inspection struct {
	Options
	final chain.Block
	story Story
	// hotkey made the claims, oldest first, of which the one at index chosen is
	// looked into.
	hotkey chain.PublicKey
	claims []submission.Claimed
	chosen int
	bound  []submission.Bound
}

// find reads claims from the chain and chooses the one that is meant.
func (in *inspection) find(ctx context.Context, target string) error {
	neurons, err := in.Chain.Neurons(ctx, in.Netuid, in.final)
	if err != nil {
		return fmt.Errorf("read the metagraph at block %d: %w", in.final.Number, err)
	}
	history, err := in.follow(ctx)
	if err != nil {
		return err
	}
	claim := ""
	switch {
	case strings.ContainsAny(target, "/@"):
		claim = target
		if in.hotkey, err = claimant(history, target); err != nil {
			return err
		}
	case isUID(target):
		uid, err := strconv.ParseUint(target, 10, 16)
		if err != nil || uid >= uint64(len(neurons)) {
			return fmt.Errorf("%w: subnet %d has %d uids at block %d", ErrUnknownTarget, in.Netuid, len(neurons), in.final.Number)
		}
		in.hotkey = neurons[uid].Hotkey
	default:
		if in.hotkey, err = wallet.ParseAddress(target); err != nil {
			return fmt.Errorf("%w: neither a uid, nor an address, nor owner/repo@commit: %w", ErrUnknownTarget, err)
		}
	}
	in.story.Miner = Miner{Hotkey: wallet.Address(in.hotkey), UID: -1}
	for _, n := range neurons {
		if n.Hotkey == in.hotkey {
			in.story.Miner.UID, in.story.Miner.RegisteredAt = int(n.UID), n.RegisteredAt
		}
	}
	in.claims = history[in.hotkey]
	if len(in.claims) == 0 {
		return fmt.Errorf("%w: hotkey %s has made no claim on subnet %d", ErrUnknownTarget, wallet.Address(in.hotkey), in.Netuid)
	}
	for i, c := range in.claims {
		if claim == "" || c.Claim.String() == claim {
			in.chosen = i
		}
	}
	return nil
}

func isUID(target string) bool {
	return target != "" && strings.Trim(target, "0123456789") == ""
}

// claimant returns who made the newest claim that names a publication.
func claimant(history map[chain.PublicKey][]submission.Claimed, target string) (who chain.PublicKey, err error) {
	found, at := false, uint64(0)
	for hotkey, claims := range history {
		for _, c := range claims {
			if c.Claim.String() == target && (!found || c.Block > at) {
				who, found, at = hotkey, true, c.Block
			}
		}
	}
	if !found {
		return who, fmt.Errorf("%w: no claim names it (owner/repo@commit; claims before the first block looked at are known only if they are their hotkey's newest)", ErrUnknownTarget)
	}
	return who, nil
}

// follow reads the claims of all hotkeys: what storage held before the first
// block, then block by block.
func (in *inspection) follow(ctx context.Context) (map[chain.PublicKey][]submission.Claimed, error) {
	first := in.FromBlock
	if window := in.Resolver.Protocol.Window; first == 0 && in.final.Number > window {
		first = in.final.Number - window
	}
	if first > in.final.Number {
		return nil, fmt.Errorf("block %d is not final yet, block %d is the newest", first, in.final.Number)
	}
	first = max(first, 1) // block 0 holds no claims
	base, err := submission.FirstReadable(ctx, in.Chain, in.Netuid, min(first-1, in.final.Number), in.final.Number)
	if err != nil {
		return nil, err
	}
	if base > first {
		in.note("the chain has forgotten blocks before %d; an archive endpoint has them", base)
	}
	in.story.FromBlock = base + 1
	history := make(map[chain.PublicKey][]submission.Claimed)
	for number := base; number <= in.final.Number; number++ {
		at, err := in.Chain.BlockAt(ctx, number)
		if err != nil {
			return nil, fmt.Errorf("read block %d: %w", number, err)
		}
		read := in.Chain.CommitmentEvents
		if number == base {
			read = in.Chain.Commitments
		}
		commitments, err := read(ctx, in.Netuid, at)
		if err != nil {
			return nil, fmt.Errorf("read claims of block %d: %w", number, err)
		}
		for _, c := range commitments {
			if claim, err := contract.ParseClaim(c.Fields); err == nil {
				history[c.Hotkey] = append(history[c.Hotkey], submission.Claimed{
					Block: c.Block, Claim: claim, State: submission.Pending, Uncertain: number == base,
				})
			}
		}
	}
	return history, nil
}

// note adds what limits the story, once.
func (in *inspection) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(in.story.Notes, text) {
		in.story.Notes = append(in.story.Notes, text)
	}
}

// settle reads the claim logs and says what each claim stands for.
func (in *inspection) settle(ctx context.Context) error {
	var err error
	if in.bound, err = submission.Advance(ctx, in.claims, in.Resolver.Log); err != nil {
		return err
	}
	for _, c := range in.claims {
		in.story.Claims = append(in.story.Claims, claimStory(c))
	}
	in.story.Claim = in.story.Claims[in.chosen]
	if in.claims[0].Uncertain {
		in.note("claims before block %d were not looked at; block %d holds the hotkey's newest before it", in.story.FromBlock, in.claims[0].Block)
	}
	return nil
}

func claimStory(c submission.Claimed) Claim {
	return Claim{
		Block: c.Block, Repo: c.Claim.Repo, Commit: c.Claim.Commit, LogSHA256: c.Claim.LogSHA256,
		State: c.State, Reason: c.Reason, LogBytes: c.Bytes,
	}
}

// conclude sums the story up.
func (in *inspection) conclude() {
	s := &in.story
	switch {
	case s.Claim.State == submission.Void:
		s.Outcome, s.Problem = eval.Rejected, s.Claim.Reason
		return
	case s.Claim.State != submission.Valid:
		s.Outcome, s.Problem = eval.Undecided, s.Claim.Reason
		return
	}
	s.Outcome = eval.Accepted
	if len(s.Tasks) == 0 {
		s.Problem = "the claim log is empty: the claim stands for no task"
	}
	for _, t := range s.Tasks {
		switch {
		case t.Outcome == eval.Rejected:
			s.Outcome, s.Problem = eval.Rejected, fmt.Sprintf("task %s: %s", t.Task, t.Problem.Sentence)
			return
		case t.Outcome == eval.Undecided && s.Outcome == eval.Accepted:
			s.Outcome, s.Problem = eval.Undecided, fmt.Sprintf("task %s: %s", t.Task, t.Reason)
		}
	}
}
