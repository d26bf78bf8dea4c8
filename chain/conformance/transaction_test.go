package conformance

import (
	"errors"
	"testing"

	"finest/chain"
	"finest/chain/extrinsic"
	"finest/chain/metadata"
)

// Group 3: the chain takes what was signed for it, and nothing else.
func testTransactions(t *testing.T, n *node, _ subnet) {
	remark := n.encode(t, "System", "remark", metadata.Args{"remark": []byte("finest")})
	in, err := n.send(t, n.sign(t, n.alice, remark))
	if err != nil {
		t.Fatalf("remark: %v", err)
	}
	if got := n.number(t, in.block.Hash); got != in.block.Number || got == 0 {
		t.Errorf("remark is in block %d, whose state says %d", in.block.Number, got)
	}
	immortal := func(p *extrinsic.Params) { p.Era = extrinsic.Era{} }
	if _, err := n.send(t, n.sign(t, n.alice, remark, immortal)); err != nil {
		t.Errorf("remark for ever: %v", err)
	}
	for name, change := range map[string]func(*extrinsic.Params){
		"another genesis":             func(p *extrinsic.Params) { p.Genesis[0] ^= 1 },
		"another spec":                func(p *extrinsic.Params) { p.Spec++ },
		"another transaction version": func(p *extrinsic.Params) { p.TxVersion++ },
		"used nonce":                  func(p *extrinsic.Params) { p.Nonce-- },
		"another block of birth":      func(p *extrinsic.Params) { p.EraBlock[0] ^= 1 },
	} {
		n.wantInvalid(t, name, n.sign(t, n.alice, remark, change))
	}
	n.wantInvalid(t, "signature of another key", n.sign(t, forger{n.alice, n.key(t, "forger")}, remark))
	spoilt := n.sign(t, n.alice, remark)
	spoilt[len(spoilt)-1] ^= 1 // the remark itself
	n.wantInvalid(t, "other call than signed", spoilt)
	tail := n.sign(t, n.alice, remark)
	if _, err := n.send(t, tail[:len(tail)-1]); err == nil {
		t.Error("a transaction that lacks a byte is taken")
	}
}

// forger signs with a key that is not the account's.
type forger struct {
	chain.Signer
	with chain.Signer
}

func (f forger) Sign(message []byte) ([64]byte, error) { return f.with.Sign(message) }

func (n *node) wantInvalid(t *testing.T, name string, xt []byte) {
	t.Helper()
	_, err := n.send(t, xt)
	var r *refusal
	if !errors.As(err, &r) || r.Code != codeInvalid {
		t.Errorf("%s: %v, want code %d of the pool", name, err, codeInvalid)
	}
}
