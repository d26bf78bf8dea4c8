// Package chain is what finest needs of a blockchain: an order of claims,
// unpredictable block hashes, registrations, and weights. Domain types and one
// small interface; package subtensor and its peers implement it.
package chain

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
)

// Hash is a block hash.
type Hash [32]byte

// String returns 64 lower-case hex digits, as contracts write hashes.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// PublicKey is an sr25519 public key: what the chain calls an account.
type PublicKey [32]byte

// Signer signs for one hotkey. Sign wants the message itself and signs it with
// sr25519 in the context "substrate"; signatures are randomised.
type Signer interface {
	PublicKey() PublicKey
	// Address is the SS58 form (prefix 42).
	Address() string
	Sign(message []byte) ([64]byte, error)
}

// Block is one block of the chain.
type Block struct {
	Number uint64
	Hash   Hash
}

// Neuron is one registered hotkey of a subnet.
type Neuron struct {
	UID     uint16
	Hotkey  PublicKey
	Coldkey PublicKey
	// Stake in rao (10⁻⁹ of the token).
	Stake uint64
	// Permit says whether the hotkey may set weights.
	Permit bool
	// LastUpdate is the block of its last weights, RegisteredAt that of its
	// registration.
	LastUpdate, RegisteredAt uint64
}

// Subnet holds the settings of a subnet that roles need.
type Subnet struct {
	Netuid uint16
	// Owner is the subnet owner's hotkey.
	Owner PublicKey
	// Tempo is the length of an epoch in blocks.
	Tempo uint64
	// WeightsRateLimit is the least number of blocks between two settings of
	// weights by one hotkey.
	WeightsRateLimit uint64
	MinWeights       uint16
	// MaxWeight is the largest share of the sum that one uid may get, in 65535ths.
	MaxWeight  uint16
	VersionKey uint64
	// StakeThreshold is the stake in rao that setting weights needs.
	StakeThreshold uint64
	// CommitReveal says that weights are committed encrypted and shown by the
	// chain RevealPeriod epochs later.
	CommitReveal bool
	RevealPeriod uint64
}

// Commitment is what a hotkey wrote last, with the block it was written in.
type Commitment struct {
	Hotkey PublicKey
	Block  uint64
	// Fields are the raw bytes of the fields, at most three.
	Fields [][]byte
}

// Weight is one entry of a validator's weights.
type Weight struct {
	UID   uint16 `json:"uid"`
	Value uint16 `json:"value"`
}

// Inclusion says in which block an extrinsic took effect.
type Inclusion struct {
	Block Block
}

// Errors that callers tell apart with errors.Is.
var (
	// ErrNotRegistered: the hotkey is not registered on the subnet.
	ErrNotRegistered = errors.New("hotkey is not registered on the subnet")
	// ErrNoPermit: the hotkey may not set weights.
	ErrNoPermit = errors.New("hotkey has no validator permit")
	// ErrUnknownBlock: the block does not exist yet, or its state is pruned.
	ErrUnknownBlock = errors.New("block is not known")
	// ErrUnavailable: the chain cannot be reached now; later it may work.
	ErrUnavailable = errors.New("chain unavailable")
	// ErrSpaceLimit: the hotkey wrote as much as an epoch allows.
	ErrSpaceLimit = errors.New("commitment space of this epoch is used up")
	// ErrLowStake: the hotkey has less stake than setting weights needs.
	ErrLowStake = errors.New("hotkey has too little stake to set weights")
	// ErrVersionKey: the subnet wants a higher version key.
	ErrVersionKey = errors.New("version key is below that of the subnet")
	// ErrCommitReveal: the subnet takes weights in the other form only, plain
	// where commit-reveal is off and committed where it is on.
	ErrCommitReveal = errors.New("commit-reveal of the subnet is not as the call needs it")
	// ErrOutdated: the extrinsic was signed for a runtime or a block that is gone;
	// signed anew it may pass.
	ErrOutdated = errors.New("extrinsic is outdated")
	// ErrRejected: the chain refused the extrinsic for another reason.
	ErrRejected = errors.New("chain refused the extrinsic")
)

// RateLimitError says that weights were set too recently.
type RateLimitError struct{ RetryAt uint64 } // first block that accepts them

func (e *RateLimitError) Error() string {
	return fmt.Sprintf("weights were set too recently; block %d accepts them", e.RetryAt)
}

// Client reads and writes one chain. Implementations pass chaintest.Suite.
//
// State is read at a block: reads of several kinds at one block agree with each
// other. Reads at finalised blocks never change. All methods honour ctx and are
// safe for concurrent use. A write returns once its effect is final, or an
// error that says it did not take effect; if that cannot be known the
// implementation looks for the effect before it returns.
type Client interface {
	// Head is the newest block, Finalized the newest final one.
	Head(ctx context.Context) (Block, error)
	Finalized(ctx context.Context) (Block, error)
	// BlockAt returns the block with this number on the current best chain, or
	// ErrUnknownBlock.
	BlockAt(ctx context.Context, number uint64) (Block, error)
	// WaitFinalized returns the newest final block as soon as its number is at
	// least number.
	WaitFinalized(ctx context.Context, number uint64) (Block, error)

	// Subnet, Neurons (in uid order) and Weights (of one uid; nil without)
	// read the state after block at.
	Subnet(ctx context.Context, netuid uint16, at Block) (Subnet, error)
	Neurons(ctx context.Context, netuid uint16, at Block) ([]Neuron, error)
	Weights(ctx context.Context, netuid, uid uint16, at Block) ([]Weight, error)
	// Commitment reads the last commitment of a hotkey after block at; nil
	// without one.
	Commitment(ctx context.Context, netuid uint16, hotkey PublicKey, at Block) (*Commitment, error)
	// Commitments lists those of all registered hotkeys after block at, in uid
	// order. One may be older than the registration: Neuron.RegisteredAt tells.
	Commitments(ctx context.Context, netuid uint16, at Block) ([]Commitment, error)
	// CommitmentEvents returns the commitments written in block at, in the
	// order of the block, at most one a hotkey: the last, which is what storage
	// holds.
	CommitmentEvents(ctx context.Context, netuid uint16, at Block) ([]Commitment, error)

	// SetCommitment writes one to three fields of at most 512 bytes each; old
	// runtimes take 128.
	SetCommitment(ctx context.Context, by Signer, netuid uint16, fields [][]byte) (Inclusion, error)
	// SetWeights replaces the weights of the signer's uid; where commit-reveal is
	// on it commits to them, and Weights shows them when the chain has revealed
	// them. A list shorter than the subnet's MinWeights is filled up with zeros;
	// an empty one is refused.
	SetWeights(ctx context.Context, by Signer, netuid uint16, weights []Weight, versionKey uint64) (Inclusion, error)
}
