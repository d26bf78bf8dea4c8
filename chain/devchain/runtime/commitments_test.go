package runtime_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"finest/chain/devchain/runtime"
	"finest/chain/metadata"
)

func info(fields ...any) metadata.Args { return metadata.Args{"netuid": netuid, "info": fields} }

func raw(n int) metadata.Enum {
	return metadata.NewEnum(fmt.Sprintf("Raw%d", n), bytes.Repeat([]byte{'x'}, n))
}

func TestSetCommitment(t *testing.T) {
	w := newWorld(t, config(t))
	by := key(t, "//Miner")
	for _, c := range []struct {
		name string
		args metadata.Args
		want string
	}{
		{"none", info(), ""},
		{"empty", info(raw(0)), ""},
		{"one byte", info(raw(1)), ""},
		{"longest", info(raw(128)), ""},
		{"big", info(metadata.NewEnum("BigRaw", make([]byte, 512))), ""},
		{"three", info(raw(1), metadata.NewEnum("None"), metadata.NewEnum("Sha256", make([]byte, 32))), ""},
	} {
		if got := w.do(by, "Commitments", "set_commitment", c.args); got != c.want {
			t.Errorf("%s: outcome %q, want %q", c.name, got, c.want)
		}
		r, _ := w.read("Commitments", "CommitmentOf", netuid, by.PublicKey()).(metadata.Record)
		if r.Get("block") != uint64(w.number) {
			t.Errorf("%s: commitment %v in block %d", c.name, r, w.number)
		}
		if len(w.deposited("Commitments", "Commitment")) != 1 {
			t.Errorf("%s: events %v", c.name, w.events)
		}
	}
	if got := w.do(key(t, "//Stranger"), "Commitments", "set_commitment", info(raw(1))); got != "Commitments.AccountNotAllowedCommit" {
		t.Errorf("outcome %q of a stranger", got)
	}
}

// What a bounded type cannot hold never reaches the call.
func TestCommitmentOutOfBounds(t *testing.T) {
	w := newWorld(t, config(t))
	for name, args := range map[string]metadata.Args{
		"four fields": info(raw(1), raw(1), raw(1), raw(1)),
		"too big":     info(metadata.NewEnum("BigRaw", make([]byte, 513))),
		"too secret":  info(metadata.NewEnum("TimelockEncrypted", make([]byte, 1025), 1)),
	} {
		xt := w.sign(key(t, "//Miner"), "Commitments", "set_commitment", args)
		_, err := w.runtime().Validate(w.state, w.head, xt)
		var pool *runtime.PoolError
		if !errors.As(err, &pool) || pool.Code != 1002 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// 3,100 bytes an epoch, at least 100 a commitment.
func TestCommitmentSpace(t *testing.T) {
	cfg := config(t)
	cfg.Subnets[0].Tempo = 40
	w := newWorld(t, cfg)
	by := key(t, "//Miner")
	for i := range 32 {
		want := ""
		if i == 31 {
			want = "Commitments.SpaceLimitExceeded"
		}
		if got := w.do(by, "Commitments", "set_commitment", info(raw(i))); got != want {
			t.Fatalf("commitment %d: outcome %q, want %q", i, got, want)
		}
	}
	if got := w.do(key(t, "//Other"), "Commitments", "set_commitment", info(raw(1))); got != "" {
		t.Errorf("outcome %q of another hotkey", got)
	}
	w.blocks(40 - int(w.number))
	if got := w.do(by, "Commitments", "set_commitment", info(raw(1))); got != "" {
		t.Errorf("outcome %q in the next epoch", got)
	}
}

func TestTimelockedCommitment(t *testing.T) {
	w := newWorld(t, config(t))
	by := key(t, "//Miner")
	round := w.roundIn(3)
	secret := metadata.NewEnum("TimelockEncrypted", w.encrypt(round, []byte("\x14later")), round)
	foreign := metadata.NewEnum("TimelockEncrypted", []byte{1, 2}, round)
	if got := w.do(by, "Commitments", "set_commitment", info(secret, raw(4), foreign)); got != "" {
		t.Fatal(got)
	}
	if e := w.deposited("Commitments", "TimelockCommitment"); len(e) != 1 || e[0].Fields.Get("reveal_round") != round {
		t.Errorf("events %v", w.events)
	}
	for w.number < 3 {
		w.block()
		if w.read("Commitments", "RevealedCommitments", netuid, by.PublicKey()) != nil {
			t.Fatalf("revealed in block %d", w.number)
		}
	}
	w.block()
	if got := fmt.Sprintf("%q", w.read("Commitments", "RevealedCommitments", netuid, by.PublicKey())); got != `[["\x14later" '\x04']]` {
		t.Errorf("revealed %s", got)
	}
	if len(w.deposited("Commitments", "CommitmentRevealed")) != 1 {
		t.Errorf("events %v", w.events)
	}
	if got := fmt.Sprint(w.read("Commitments", "CommitmentOf", netuid, by.PublicKey())); strings.Contains(got, "Timelock") || !strings.Contains(got, "Raw4") {
		t.Errorf("commitment %s", got)
	}
	if got := fmt.Sprint(w.read("Commitments", "TimelockedIndex")); got != "[]" {
		t.Errorf("index %s", got)
	}
	// Without further fields the commitment goes; a round of the past is revealed too.
	if got := w.do(by, "Commitments", "set_commitment", info(metadata.NewEnum("TimelockEncrypted", w.encrypt(5, []byte("old")), 5))); got != "" {
		t.Fatal(got)
	}
	w.blocks(1)
	if w.read("Commitments", "CommitmentOf", netuid, by.PublicKey()) != nil {
		t.Error("an empty commitment stays")
	}
	if got := fmt.Sprintf("%q", w.read("Commitments", "RevealedCommitments", netuid, by.PublicKey())); !strings.Contains(got, `"old"`) {
		t.Errorf("revealed %s", got)
	}
}
