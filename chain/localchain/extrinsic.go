package localchain

import (
	"encoding/hex"
	"fmt"

	"finest/chain"
	"finest/chain/wallet"
	"finest/internal/canon"
)

// Names of calls. The last two are administration: nobody signs them, since
// whoever can write the folder owns the chain.
const (
	callSetCommitment = "set_commitment"
	callSetWeights    = "set_weights"
	callRegister      = "register"
	callSetStanding   = "set_standing"
)

// call is what one extrinsic asks for; its canonical JSON is what is signed.
// Genesis ties it to one chain and nonce to one place in the hotkey's sequence,
// so no signature can be used twice.
type call struct {
	Name    string  `json:"name"`
	Genesis string  `json:"genesis"`
	Hotkey  account `json:"hotkey"`
	Nonce   uint64  `json:"nonce"`
	Netuid  uint16  `json:"netuid"`

	Fields []string `json:"fields,omitempty"` // set_commitment; hex

	Weights    [][2]uint16 `json:"weights,omitempty"` // set_weights; uid, value
	VersionKey uint64      `json:"version_key,omitempty,string"`

	Coldkey *account `json:"coldkey,omitempty"` // register
	Stake   uint64   `json:"stake,omitempty,string"`
	Permit  bool     `json:"permit,omitempty"`
}

// extrinsic is one entry of the journal.
type extrinsic struct {
	Block     uint64 `json:"block"`
	Call      call   `json:"call"`
	Signature string `json:"signature,omitempty"` // hex
}

func (c *call) administration() bool { return c.Name == callRegister || c.Name == callSetStanding }

// sign returns the extrinsic of a call for block; by is nil for administration.
func sign(by chain.Signer, c call, block uint64) (extrinsic, error) {
	x := extrinsic{Block: block, Call: c}
	if by == nil {
		return x, nil
	}
	message, err := canon.Marshal(c)
	if err != nil {
		return x, fmt.Errorf("encode call: %w", err)
	}
	sig, err := by.Sign(message)
	if err != nil {
		return x, fmt.Errorf("sign call: %w", err)
	}
	x.Signature = hex.EncodeToString(sig[:])
	return x, nil
}

// verify checks the signature of a call that needs one.
func (x *extrinsic) verify() error {
	if x.Call.administration() {
		return nil
	}
	raw, err := hex.DecodeString(x.Signature)
	var sig [64]byte
	if err != nil || len(raw) != len(sig) {
		return fmt.Errorf("signature is not 128 hex digits: %w", chain.ErrRejected)
	}
	copy(sig[:], raw)
	message, err := canon.Marshal(x.Call)
	if err != nil {
		return fmt.Errorf("encode call: %w", err)
	}
	if !wallet.Verify(chain.PublicKey(x.Call.Hotkey), message, sig) {
		return fmt.Errorf("bad signature: %w", chain.ErrRejected)
	}
	return nil
}

// fields returns the bytes of a commitment.
func (c *call) fields() ([][]byte, error) {
	fields := make([][]byte, len(c.Fields))
	for i, f := range c.Fields {
		var err error
		if fields[i], err = hex.DecodeString(f); err != nil {
			return nil, fmt.Errorf("field %d is not hex: %w", i, err)
		}
	}
	return fields, nil
}
