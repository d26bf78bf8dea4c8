package runtime_test

import (
	"errors"
	"fmt"
	"testing"

	"finest/chain"
	"finest/chain/devchain/runtime"
	"finest/chain/extrinsic"
	"finest/chain/metadata"
)

var hello = metadata.Args{"remark": []byte("hello")}

// An extrinsic that was signed for another chain, runtime, block or nonce is
// refused with the words of Substrate, and leaves no trace.
func TestRefusedExtrinsics(t *testing.T) {
	alice := key(t, "//Alice")
	cases := []struct {
		name   string
		change func(w *world, p *extrinsic.Params)
		damage func(xt []byte)
		want   string
	}{
		{name: "genesis", change: func(_ *world, p *extrinsic.Params) { p.Genesis = chain.Hash{1}; p.EraBlock = p.Genesis }, want: "Transaction has a bad signature"},
		{name: "spec", change: func(_ *world, p *extrinsic.Params) { p.Spec++ }, want: "Transaction has a bad signature"},
		{name: "transaction version", change: func(_ *world, p *extrinsic.Params) { p.TxVersion++ }, want: "Transaction has a bad signature"},
		{name: "old nonce", change: func(_ *world, p *extrinsic.Params) { p.Nonce = 0 }, want: "Transaction is outdated"},
		{name: "later nonce", change: func(_ *world, p *extrinsic.Params) { p.Nonce += 2 }, want: "Transaction will be valid in the future"},
		{name: "birth block", change: func(w *world, p *extrinsic.Params) { p.Era = extrinsic.MortalAt(1, 4); p.EraBlock = w.hashes[1] }, want: "Transaction has a bad signature"},
		{name: "unknown birth block", change: func(_ *world, p *extrinsic.Params) { p.Era = extrinsic.Era{Period: 64, Phase: 63} }, want: "Transaction has an ancient birth block"},
		{name: "tip beyond means", change: func(_ *world, p *extrinsic.Params) { p.Tip = 1e18 }, want: "Inability to pay some fees (e.g. account balance too low)"},
		{name: "tip that overflows", change: func(_ *world, p *extrinsic.Params) { p.Tip = 1<<64 - 1 }, want: "Inability to pay some fees (e.g. account balance too low)"},
		{name: "signature", damage: func(xt []byte) { xt[50] ^= 1 }, want: "Transaction has a bad signature"},
		{name: "call", damage: func(xt []byte) { xt[len(xt)-1] ^= 1 }, want: "Transaction has a bad signature"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, config(t))
			w.do(alice, "System", "remark", hello)
			w.blocks(9)
			xt := w.signWith(alice, "System", "remark", hello, func(p *extrinsic.Params) {
				if c.change != nil {
					c.change(w, p)
				}
			})
			if c.damage != nil {
				c.damage(xt)
			}
			before := w.state.Balance(alice.PublicKey())
			tx, invalid := w.runtime().Validate(w.state, w.head, xt)
			var pool *runtime.PoolError
			err := w.block(xt)[0]
			if !errors.As(err, &pool) || pool.Code != 1010 || pool.Data != c.want {
				t.Errorf("block: %v, want %s", err, c.want)
			}
			switch {
			case c.name == "later nonce":
				if invalid != nil || !tx.Future {
					t.Errorf("pool: %+v, %v; want it to wait", tx, invalid)
				}
			case !errors.As(invalid, &pool) || pool.Data != c.want:
				t.Errorf("pool: %v, want %s", invalid, c.want)
			}
			if w.state.Balance(alice.PublicKey()) != before || w.nonce(alice) != 1 {
				t.Error("a refused extrinsic left a trace")
			}
		})
	}
}

func TestMortalExtrinsic(t *testing.T) {
	w := newWorld(t, config(t))
	w.blocks(5)
	alice := key(t, "//Alice")
	xt := w.signWith(alice, "System", "remark", hello, func(p *extrinsic.Params) {
		p.Era = extrinsic.MortalAt(5, 8)
		p.EraBlock = w.hashes[5]
	})
	tx, err := w.runtime().Validate(w.state, w.head, xt)
	if err != nil || tx.Signer != alice.PublicKey() || tx.Hash != extrinsic.Hash(xt) || tx.Longevity != 7 {
		t.Fatalf("%+v, %v", tx, err)
	}
	if err := w.block(xt)[0]; err != nil {
		t.Fatal(err)
	}
	if err := w.block(xt)[0]; err == nil {
		t.Error("the same extrinsic twice")
	}
}

// Free calls need no balance; others cost a fee, also when they fail.
func TestFees(t *testing.T) {
	w := newWorld(t, config(t))
	miner := key(t, "//Miner")
	if got := w.do(miner, "Commitments", "set_commitment", info(raw(1))); got != "" {
		t.Errorf("a free call without balance: %s", got)
	}
	if got := w.do(miner, "System", "remark", hello); got != "Inability to pay some fees (e.g. account balance too low)" {
		t.Errorf("a remark without balance: %q", got)
	}
	dest := metadata.NewEnum("Id", miner.PublicKey())
	alice := key(t, "//Alice")
	before := w.state.Balance(alice.PublicKey())
	xt := w.sign(alice, "Balances", "transfer_keep_alive", metadata.Args{"dest": dest, "value": 1_000_000})
	if err := w.block(xt)[0]; err != nil || w.outcome(1) != "" {
		t.Fatal(err, w.outcome(1))
	}
	fee := runtime.Fee(len(xt))
	if got := w.state.Balance(miner.PublicKey()); got != 1_000_000 {
		t.Errorf("balance %d", got)
	}
	if got := before - w.state.Balance(alice.PublicKey()); got != 1_000_000+fee {
		t.Errorf("the transfer cost %d, want %d and the fee %d", got, 1_000_000, fee)
	}
	paid := w.deposited("TransactionPayment", "TransactionFeePaid")
	if len(paid) != 1 || paid[0].Fields.Get("actual_fee") != fee {
		t.Errorf("events %v", w.events)
	}
	if got := w.do(miner, "Balances", "transfer_allow_death", metadata.Args{"dest": dest, "value": 5_000_000}); got != "Token.FundsUnavailable" {
		t.Errorf("outcome %q", got)
	}
	if got := w.state.Balance(miner.PublicKey()); got >= 1_000_000 {
		t.Errorf("a failed call cost nothing: %d are left", got)
	}
	issued, _ := w.read("Balances", "TotalIssuance").(uint64)
	if sum := w.state.Balance(alice.PublicKey()) + w.state.Balance(miner.PublicKey()); issued != sum {
		t.Errorf("total issuance %d, accounts hold %d", issued, sum)
	}
}

func TestUnsignedExtrinsics(t *testing.T) {
	w := newWorld(t, config(t))
	inherent := w.runtime().Inherent(w.now)
	var pool *runtime.PoolError
	if _, err := w.runtime().Validate(w.state, w.head, inherent); !errors.As(err, &pool) || pool.Code != 1011 {
		t.Errorf("pool takes an inherent: %v", err)
	}
	if err := w.runtime().Apply(w.state.Copy(), 0, w.sign(key(t, "//Alice"), "System", "remark", hello)); err == nil {
		t.Error("a block without time")
	}
	if _, err := w.runtime().Validate(w.state, w.head, []byte{1, 2, 3}); !errors.As(err, &pool) || pool.Code != 1002 {
		t.Errorf("pool takes bytes: %v", err)
	}
}

// After an upgrade the same state goes on under other numbers, and what was signed
// for the old runtime is refused.
func TestUpgrade(t *testing.T) {
	w := newWorld(t, config(t))
	alice, miner := key(t, "//Alice"), key(t, "//Miner")
	w.do(miner, "Commitments", "set_commitment", info(raw(3)))
	old := w.sign(alice, "System", "remark", hello)
	w.state.SetCode(runtime.V2)
	if v := runtime.VersionOf(w.state); v != runtime.V2 {
		t.Fatalf("version %s", v)
	}
	if err := w.block(old)[0]; err == nil {
		t.Error("an extrinsic for the old runtime was taken")
	}
	if len(w.deposited("System", "CodeUpdated")) != 1 {
		t.Errorf("events %v", w.events)
	}
	if got := w.do(miner, "Commitments", "set_commitment", info(raw(4))); got != "" {
		t.Errorf("outcome %q", got)
	}
	if got := w.do(key(t, "//Stranger"), "Commitments", "set_commitment", info(raw(4))); got != "Commitments.AccountNotAllowedCommit" {
		t.Errorf("outcome %q", got)
	}
	if got := w.do(key(t, "//Validator"), "SubtensorModule", "set_weights", weights(3, 1, 1, 2, 2)); got != "" {
		t.Errorf("outcome %q", got)
	}
	if len(w.deposited("System", "CodeUpdated")) != 0 {
		t.Errorf("events %v", w.events)
	}
}

// Block hashes are there for the longest era, and that of genesis for ever.
func TestBlockHashes(t *testing.T) {
	cfg := config(t)
	cfg.Subnets = nil
	w := newWorld(t, cfg)
	r := w.runtime()
	for n := uint32(1); n <= 2410; n++ {
		r.Begin(w.state, n, blockHash(n-1))
	}
	for number, want := range map[uint32]bool{0: true, 1: false, 9: false, 10: true, 2409: true} {
		hash, _ := w.read("System", "BlockHash", number).([]byte)
		if got := fmt.Sprintf("%x", hash) == blockHash(number).String(); got != want {
			t.Errorf("hash of block %d is known: %v, want %v", number, got, want)
		}
	}
}
