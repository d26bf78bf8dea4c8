package audit

import (
	"encoding/hex"
	"fmt"

	"finest/eval"
	"finest/internal/canon"
	"finest/pipeline"
)

// Verify reports whether signature is one of message by an SS58 address
// (sr25519, context "substrate").
type Verify func(address string, message, signature []byte) bool

// ServerKey is a task-server key with the blocks at which its receipts are
// valid, both included; Last 0 is no end.
type ServerKey struct {
	Address     string
	First, Last uint64
}

// KnownServer reports whether receipts of a block may be signed by server: by
// one of the keys, or without any by the subnet owner.
func KnownServer(keys []ServerKey, owner, server string, block uint64) bool {
	for _, k := range keys {
		if k.Address == server && k.First <= block && (k.Last == 0 || block <= k.Last) {
			return true
		}
	}
	return len(keys) == 0 && server == owner
}

// Facts are what the chain says of a submission.
type Facts struct {
	// Registered: the hotkey was registered at the block of the task.
	Registered bool
	// ReceiptBlockHash is the hash of the block that the receipt names.
	ReceiptBlockHash string
	// Servers are the configured task-server keys; without any, Owner, the
	// subnet owner's address at the receipt's block, must have signed.
	Servers []ServerKey
	Owner   string
	Verify  Verify
}

// Binding is check 1: the submission is of this hotkey, for a lease that a task
// server of the subnet gave it, and was claimed within its deadline. That its
// line is the first for its task and generation in a valid log is for whoever
// follows the claims to know.
func Binding(s *Submission, f Facts, p eval.Protocol) eval.Check {
	if problem := bindingProblem(s, f, p); problem != "" {
		return eval.Reject(eval.CheckBinding, problem)
	}
	r := s.Manifest.Receipt
	return eval.Pass(eval.CheckBinding, fmt.Sprintf("leased at block %d by %s, claimed at block %d, %d before the deadline",
		r.Block, r.Server, s.Block, r.DeadlineBlock-s.Block)).
		With("receipt_block", fmt.Sprint(r.Block)).
		With("task_block", fmt.Sprint(s.Block)).
		With("deadline_block", fmt.Sprint(r.DeadlineBlock))
}

func bindingProblem(s *Submission, f Facts, p eval.Protocol) string {
	r := s.Manifest.Receipt
	if r == nil {
		return "the manifest has no receipt, so nobody leased this task to anybody"
	}
	switch {
	case !f.Registered:
		return fmt.Sprintf("hotkey %s was not registered at block %d, where it claimed the task", s.Hotkey, s.Block)
	case s.Manifest.Hotkey != s.Hotkey:
		return fmt.Sprintf("the manifest is of hotkey %.64s, but %s claims it", s.Manifest.Hotkey, s.Hotkey)
	case r.Hotkey != s.Hotkey:
		return fmt.Sprintf("the receipt leases the task to %s, not to %s", r.Hotkey, s.Hotkey)
	case r.Task != s.Line.Task || r.Generation != s.Line.Generation:
		return fmt.Sprintf("the log names task %s generation %d, but the receipt is for %s generation %d",
			s.Line.Task, s.Line.Generation, r.Task, r.Generation)
	case r.BlockHash != f.ReceiptBlockHash:
		return fmt.Sprintf("the receipt says that block %d has hash %.12s…, but on chain it is %.12s…", r.Block, r.BlockHash, f.ReceiptBlockHash)
	case s.Block <= r.Block:
		return fmt.Sprintf("the task was claimed at block %d, before its receipt of block %d could exist", s.Block, r.Block)
	case r.DeadlineBlock-r.Block != p.Deadline:
		return fmt.Sprintf("the receipt's deadline is %d blocks after block %d, but the protocol gives every task %d",
			r.DeadlineBlock-r.Block, r.Block, p.Deadline)
	case s.Block > r.DeadlineBlock:
		return fmt.Sprintf("the task was claimed at block %d, after its deadline at block %d", s.Block, r.DeadlineBlock)
	}
	if problem := serverProblem(s, f); problem != "" {
		return problem
	}
	// Validate compared inputs and recipe name with the receipt; the hash names
	// the recipe's content.
	hash, err := pipeline.HashRecipe(s.Manifest.Recipe)
	if err != nil {
		return err.Error()
	}
	if hash != r.Recipe.Hash {
		return fmt.Sprintf("the receipt asks for recipe %s with hash %.12s…, but the manifest's has hash %.12s…", r.Recipe.Name, r.Recipe.Hash, hash)
	}
	return ""
}

func serverProblem(s *Submission, f Facts) string {
	r := s.Manifest.Receipt
	if !KnownServer(f.Servers, f.Owner, r.Server, r.Block) {
		return fmt.Sprintf("the receipt is signed by %s, which was no task-server key of the subnet at block %d", r.Server, r.Block)
	}
	message, err := canon.Marshal(r.Unsigned())
	if err != nil {
		return err.Error()
	}
	if !verifyHex(f.Verify, r.Server, message, r.Signature) {
		return fmt.Sprintf("the signature of the receipt is not by %s", r.Server)
	}
	return ""
}

// verifyHex checks a signature as contracts write it.
func verifyHex(verify Verify, address string, message []byte, signature string) bool {
	raw, err := hex.DecodeString(signature)
	return err == nil && len(raw) == 64 && verify(address, message, raw)
}
