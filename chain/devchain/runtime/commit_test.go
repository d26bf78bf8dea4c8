package runtime_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/devchain/runtime"
	"finest/chain/metadata"
	"finest/chain/scale"
	"finest/chain/timelock"
)

func commitReveal(t testing.TB) runtime.Config {
	cfg := config(t)
	cfg.Subnets[0].CommitReveal = true // tempo 20, rate limit 5
	return cfg
}

func TestCommitAndRevealHash(t *testing.T) {
	w := newWorld(t, commitReveal(t))
	by := key(t, "//Validator")
	uids, values, salt := []uint16{1, 2}, []uint16{7, 14}, []uint16{1, 2, 3}
	commit := metadata.Args{"netuid": netuid, "commit_hash": runtime.CommitHash(by.PublicKey(), netuid, uids, values, salt, 3)}
	reveal := metadata.Args{"netuid": netuid, "uids": uids, "values": values, "salt": salt, "version_key": 3}
	step := func(call string, args metadata.Args, want string) {
		t.Helper()
		if got := w.do(by, "SubtensorModule", call, args); got != want {
			t.Fatalf("block %d, %s: outcome %q, want %q", w.number, call, got, want)
		}
	}
	step("reveal_weights", reveal, "Custom error: 16")
	step("commit_weights", commit, "")
	step("commit_weights", commit, "Custom error: 6")
	step("reveal_weights", reveal, "Custom error: 17")
	w.blocks(20 - int(w.number)) // the epoch of the commit ends
	step("reveal_weights", metadata.Args{"netuid": netuid, "uids": uids, "values": values, "salt": salt, "version_key": 4}, "Custom error: 16")
	step("reveal_weights", reveal, "")
	if got := fmt.Sprint(w.read("SubtensorModule", "Weights", netuid, 1)); got != "[[1 32768] [2 65535]]" {
		t.Errorf("weights %s", got)
	}
	if got := fmt.Sprint(w.read("SubtensorModule", "LastUpdate", netuid)); got != "[0 2 0 0]" {
		t.Errorf("last update %s: a reveal must not move it", got)
	}
	if w.read("SubtensorModule", "WeightCommits", netuid, by.PublicKey()) != nil {
		t.Error("the commit stays")
	}
	// A commit that is not revealed in its epoch expires.
	step("commit_weights", commit, "")
	w.blocks(60 - int(w.number))
	step("reveal_weights", reveal, "Custom error: 17")
}

func TestUnrevealedCommits(t *testing.T) {
	cfg := commitReveal(t)
	cfg.Subnets[0].WeightsRateLimit, cfg.Subnets[0].Tempo = 0, 1000
	w := newWorld(t, cfg)
	by := key(t, "//Miner") // commits need no permit
	for i := range 11 {
		want := ""
		if i == 10 {
			want = "SubtensorModule.TooManyUnrevealedCommits"
		}
		args := metadata.Args{"netuid": netuid, "commit_hash": chain.Hash{byte(i)}}
		if got := w.do(by, "SubtensorModule", "commit_weights", args); got != want {
			t.Fatalf("commit %d: outcome %q, want %q", i, got, want)
		}
		args = metadata.Args{"netuid": netuid, "commit": []byte{byte(i)}, "reveal_round": uint64(1) << 40, "commit_reveal_version": 4}
		if got := w.do(by, "SubtensorModule", "commit_timelocked_weights", args); got != want {
			t.Fatalf("timelocked commit %d: outcome %q, want %q", i, got, want)
		}
	}
}

func TestCommitsWithoutCommitReveal(t *testing.T) {
	w := newWorld(t, config(t))
	by := key(t, "//Validator")
	timelocked := metadata.Args{"netuid": netuid, "commit": []byte{1}, "reveal_round": uint64(1) << 40, "commit_reveal_version": 4}
	for _, c := range []struct {
		call string
		args metadata.Args
		want string
	}{
		{"commit_weights", metadata.Args{"netuid": netuid, "commit_hash": chain.Hash{}}, "SubtensorModule.CommitRevealDisabled"},
		{"commit_timelocked_weights", timelocked, "SubtensorModule.CommitRevealDisabled"},
	} {
		if got := w.do(by, "SubtensorModule", c.call, c.args); got != c.want {
			t.Errorf("%s: outcome %q, want %q", c.call, got, c.want)
		}
	}
	w = newWorld(t, commitReveal(t))
	timelocked["commit_reveal_version"] = 3
	if got := w.do(by, "SubtensorModule", "commit_timelocked_weights", timelocked); got != "SubtensorModule.IncorrectCommitRevealVersion" {
		t.Errorf("outcome %q", got)
	}
	timelocked["commit_reveal_version"], timelocked["reveal_round"] = 4, 1
	if got := w.do(by, "SubtensorModule", "commit_timelocked_weights", timelocked); got != "Custom error: 15" {
		t.Errorf("outcome %q", got)
	}
}

func payload(hotkey chain.PublicKey, uids, values []uint16, version uint64) []byte {
	b := scale.AppendBytes(nil, hotkey[:])
	for _, list := range [][]uint16{uids, values} {
		b = scale.AppendCompact(b, uint64(len(list)))
		for _, v := range list {
			b = append(b, byte(v), byte(v>>8))
		}
	}
	for i := range 8 {
		b = append(b, byte(version>>(8*i)))
	}
	return b
}

// roundIn is the round that is out when a block some blocks ahead is made.
func (w *world) roundIn(blocks int) uint64 {
	return w.runtime().Beacon().RoundAt(w.now.Add(time.Duration(blocks) * w.cfg.BlockTime))
}

func (w *world) encrypt(round uint64, text []byte) []byte {
	w.Helper()
	c, err := timelock.Encrypt(w.runtime().Beacon(), round, text, rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// Timelocked weights are set in the epoch after that of their commit, once their
// round is out, and never for another hotkey.
func TestTimelockedWeights(t *testing.T) {
	w := newWorld(t, commitReveal(t))
	by, other := key(t, "//Validator"), key(t, "//Owner")
	commit := func(who *chain.PublicKey) metadata.Args {
		round := w.roundIn(22)
		text := payload(*who, []uint16{1, 2}, []uint16{1, 2}, 3)
		return metadata.Args{"netuid": netuid, "mecid": 0, "commit": w.encrypt(round, text), "reveal_round": round, "commit_reveal_version": 4}
	}
	mine := by.PublicKey()
	if got := w.do(by, "SubtensorModule", "commit_timelocked_mechanism_weights", commit(&mine)); got != "" {
		t.Fatal(got)
	}
	if got := w.do(other, "SubtensorModule", "commit_timelocked_mechanism_weights", commit(&mine)); got != "" { // a copy
		t.Fatal(got)
	}
	if len(w.deposited("SubtensorModule", "TimelockedWeightsCommitted")) != 1 {
		t.Errorf("events %v", w.events)
	}
	if got := w.do(by, "SubtensorModule", "commit_timelocked_mechanism_weights", commit(&mine)); got != "SubtensorModule.CommittingWeightsTooFast" {
		t.Errorf("outcome %q", got)
	}
	revealed := uint32(0)
	for w.number < 45 {
		w.block()
		if len(w.deposited("SubtensorModule", "TimelockedWeightsRevealed")) > 0 {
			revealed = w.number
		}
	}
	// Round of block 22, stored at its end.
	if revealed != 23 {
		t.Errorf("revealed in block %d, want 23", revealed)
	}
	if got := fmt.Sprint(w.read("SubtensorModule", "Weights", netuid, 1)); got != "[[1 32768] [2 65535]]" {
		t.Errorf("weights %s", got)
	}
	if got := fmt.Sprint(w.read("SubtensorModule", "Weights", netuid, 0)); got != "[]" {
		t.Errorf("weights of the copy %s", got)
	}
	if got := fmt.Sprint(w.read("SubtensorModule", "LastUpdate", netuid)); got != "[2 1 0 0]" {
		t.Errorf("last update %s", got)
	}
}

// What cannot be decrypted, as the commits of clients to the real beacon, expires
// without an error.
func TestForeignCommitExpires(t *testing.T) {
	w := newWorld(t, commitReveal(t))
	args := metadata.Args{"netuid": netuid, "commit": bytes.Repeat([]byte{1}, 300), "reveal_round": w.roundIn(10), "commit_reveal_version": 4}
	if got := w.do(key(t, "//Validator"), "SubtensorModule", "commit_timelocked_weights", args); got != "" {
		t.Fatal(got)
	}
	w.blocks(45)
	if got := fmt.Sprint(w.read("SubtensorModule", "TimelockedWeightCommits", netuid, 0)); got != "[]" {
		t.Errorf("commits %s stay", got)
	}
}
