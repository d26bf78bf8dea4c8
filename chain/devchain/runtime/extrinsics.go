package runtime

import (
	"errors"
	"fmt"
	"time"

	"finest/chain"
	"finest/chain/extrinsic"
	"finest/chain/metadata"
	"finest/chain/wallet"
)

// Codes of a Substrate node for extrinsics that it does not take.
const (
	codeUndecodable = 1002 // verification error
	codeInvalid     = 1010 // invalid transaction
	codeUnknown     = 1011 // validity cannot be determined
)

// Reasons why a transaction is invalid, as Substrate words them
// (sp_runtime::transaction_validity).
const (
	reasonPayment = "Inability to pay some fees (e.g. account balance too low)"
	reasonFuture  = "Transaction will be valid in the future"
	reasonStale   = "Transaction is outdated"
	reasonProof   = "Transaction has a bad signature"
	reasonBirth   = "Transaction has an ancient birth block"
	reasonTooBig  = "Transaction would exhaust the block limits"
	reasonSigner  = "Invalid signing address"
)

func invalid(reason string) error { return &PoolError{codeInvalid, "Invalid Transaction", reason} }

// custom is a refusal by a guard of Subtensor (subtensor_runtime_common's
// CustomTransactionError).
func custom(n uint8) error { return invalid(fmt.Sprintf("Custom error: %d", n)) }

func unknown(reason string) error {
	return &PoolError{codeUnknown, "Unknown Transaction Validity", reason}
}

// maxExtrinsic is the part of a block that normal extrinsics may fill
// (System.BlockLength).
const maxExtrinsic = 7_864_320

// checked is an extrinsic that may enter a block.
type checked struct {
	*extrinsic.Extrinsic
	call   metadata.Call
	fee    uint64 // rao, without the tip
	future bool
}

// Inherent returns the extrinsic that every block begins with: the time.
func (r *Runtime) Inherent(now time.Time) []byte {
	call, err := r.meta.Call("Timestamp", "set", metadata.Args{"now": uint64(now.UnixMilli())})
	if err != nil {
		panic(err) // the schema has it
	}
	return extrinsic.Bare(call)
}

// Validate says whether an extrinsic may enter the pool: whether the block after
// head could hold it, or a later one if earlier nonces are missing. s is the state
// after head, which stays as it is. Errors are *PoolError.
func (r *Runtime) Validate(s *State, head chain.Hash, xt []byte) (Tx, error) {
	x := &exec{r, s.Copy(), initializing}
	x.initialize(blockNumber.get(s)+1, head)
	c, err := x.check(xt)
	if err != nil {
		return Tx{}, err
	}
	longevity := uint64(1<<64 - 1)
	if !c.Era.Immortal() {
		longevity = c.Era.Death(x.block()) - x.block()
	}
	return Tx{extrinsic.Hash(xt), c.Signer, c.Nonce, c.future, longevity, c.Tip}, nil
}

// Apply puts an extrinsic into the block at place index; the first is the
// inherent. An error is a *PoolError and says that the block must not hold it; the
// state is then unchanged. An extrinsic whose call fails is in the block, which
// the event System.ExtrinsicFailed tells.
func (r *Runtime) Apply(s *State, index uint32, xt []byte) error {
	x := &exec{r, s, applying(index)}
	if index == 0 {
		return x.inherent(xt)
	}
	c, err := x.check(xt)
	if err != nil {
		return err
	}
	if c.future {
		return invalid(reasonFuture)
	}
	account := accountOf.get(s, c.Signer)
	account.nonce++
	accountOf.put(s, account, c.Signer)
	paid := c.fee + c.Tip
	if paid > 0 {
		x.withdraw(c.Signer, paid)
	}
	failure := x.dispatch(false, c.Signer, c.call)
	if paid > 0 {
		x.deposit("TransactionPayment", "TransactionFeePaid", c.Signer, paid, c.Tip)
	}
	x.outcome(failure, dispatchInfo("Normal", paid > 0))
	return nil
}

// inherent sets the time of the block.
func (x *exec) inherent(xt []byte) error {
	d, err := extrinsic.Decode(x.meta, xt)
	if err != nil {
		return &PoolError{codeUndecodable, "Verification Error", err.Error()}
	}
	c, err := x.meta.DecodeCall(d.Call)
	if err != nil || d.Signed || c.Pallet != "Timestamp" || c.Name != "set" {
		return unknown("the first extrinsic of a block is its time")
	}
	timestampNow.put(x.s, c.Args.Get("now").(uint64))
	x.outcome(nil, dispatchInfo("Mandatory", false))
	return nil
}

// outcome deposits the event that ends an extrinsic.
func (x *exec) outcome(failure error, info metadata.Args) {
	if failure == nil {
		x.deposit("System", "ExtrinsicSuccess", info)
		return
	}
	var e *dispatchError
	if !errors.As(failure, &e) {
		panic(failure) // calls fail with errors of dispatch only
	}
	x.deposit("System", "ExtrinsicFailed", e.encode(x.meta), info)
}

// callWeight is what each call is said to weigh: a tenth of a millisecond. The
// devchain fills blocks by bytes alone.
const callWeight = 100_000_000

func dispatchInfo(class string, pays bool) metadata.Args {
	fee := "No"
	if pays {
		fee = "Yes"
	}
	return metadata.Args{
		"weight": metadata.Args{"ref_time": callWeight, "proof_size": 0},
		"class":  class, "pays_fee": fee,
	}
}

// check does what a runtime does before it dispatches, in the order of the signed
// extensions: form, birth block, signature, nonce, length, fee, guards.
func (x *exec) check(xt []byte) (*checked, error) {
	d, err := extrinsic.Decode(x.meta, xt)
	if err != nil {
		return nil, &PoolError{codeUndecodable, "Verification Error", err.Error()}
	}
	c := &checked{Extrinsic: d}
	if c.call, err = x.meta.DecodeCall(d.Call); err != nil {
		return nil, &PoolError{codeUndecodable, "Verification Error", err.Error()}
	}
	if err := checkBounds(c.call); err != nil {
		return nil, &PoolError{codeUndecodable, "Verification Error", err.Error()}
	}
	if !d.Signed {
		return nil, unknown("Could not find an unsigned validator for the unsigned transaction")
	}
	if err := x.checkSignature(d); err != nil {
		return nil, err
	}
	if d.Signer == (chain.PublicKey{}) {
		return nil, invalid(reasonSigner)
	}
	account := accountOf.get(x.s, d.Signer)
	if d.Nonce < account.nonce {
		return nil, invalid(reasonStale)
	}
	c.future = d.Nonce > account.nonce
	if len(xt) > maxExtrinsic {
		return nil, invalid(reasonTooBig)
	}
	if !dispatchables[c.call.Pallet+"."+c.call.Name].free {
		c.fee = Fee(len(xt))
	}
	if cost := c.fee + d.Tip; cost < d.Tip || cost > account.spendable() {
		return nil, invalid(reasonPayment)
	}
	return c, x.guard(d.Signer, c.call)
}

// checkSignature makes the bytes that must have been signed from the chain as the
// runtime knows it: another genesis, runtime or birth block gives other bytes.
func (x *exec) checkSignature(d *extrinsic.Extrinsic) error {
	if d.MetadataHash {
		return unknown("Could not lookup information required to validate the transaction: " +
			"this chain checks no digests of metadata; sign without one")
	}
	p := extrinsic.Params{Spec: x.version.Spec(), TxVersion: TxVersion, Genesis: blockHash.get(x.s, uint32(0))}
	p.EraBlock = p.Genesis
	if !d.Era.Immortal() {
		birth, ok := blockHash.lookup(x.s, uint32(d.Era.Birth(x.block())))
		if !ok {
			return invalid(reasonBirth)
		}
		p.EraBlock = birth
	}
	message, err := d.Message(p)
	if err != nil {
		return &PoolError{codeUndecodable, "Verification Error", err.Error()}
	}
	if !wallet.Verify(d.Signer, message, d.Signature) {
		return invalid(reasonProof)
	}
	return nil
}

// checkBounds refuses what the types of the chain cannot hold though the registry
// does not show it: more than three fields in a commitment, longer bytes than a
// bounded vector takes.
func checkBounds(c metadata.Call) error {
	if commit, ok := c.Args.Get("commit").([]byte); ok && len(commit) > maxTimelockedCommit {
		return fmt.Errorf("weights commit of %d bytes, at most %d are allowed", len(commit), maxTimelockedCommit)
	}
	if c.Pallet != "Commitments" || c.Name != "set_commitment" {
		return nil
	}
	fields := commitmentFields(c.Args)
	if len(fields) > maxFields {
		return fmt.Errorf("%d fields in a commitment, at most %d are allowed", len(fields), maxFields)
	}
	for _, f := range fields {
		if f.tag == tagTimelocked && len(f.body) > maxTimelocked || f.tag == tagBigRaw && len(f.body) > maxBigRaw {
			return fmt.Errorf("field of %d bytes in a commitment", len(f.body))
		}
	}
	return nil
}
