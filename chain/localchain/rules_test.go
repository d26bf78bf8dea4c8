package localchain_test

import (
	"errors"
	"reflect"
	"testing"

	"finest/chain"
	"finest/chain/chaintest"
	"finest/chain/localchain"
)

// The owner's uid is 0, the validator's 1, the miner's 2, the other's 3.
func TestSetWeights(t *testing.T) {
	w := func(pairs ...uint16) (ws []chain.Weight) {
		for i := 0; i < len(pairs); i += 2 {
			ws = append(ws, chain.Weight{UID: pairs[i], Value: pairs[i+1]})
		}
		return ws
	}
	for name, c := range map[string]struct {
		by      string
		weights []chain.Weight
		key     uint64
		max     uint16
		want    []chain.Weight
		err     error
	}{
		"scaled up":                  {by: "//Validator", weights: w(2, 1, 3, 3), key: 3, want: w(2, 21845, 3, 65535)},
		"newer version key":          {by: "//Validator", weights: w(2, 1, 3, 1), key: 9, want: w(2, 65535, 3, 65535)},
		"order and zeros are kept":   {by: "//Validator", weights: w(3, 65535, 0, 0, 2, 7), key: 3, want: w(3, 65535, 0, 0, 2, 7)},
		"all zero":                   {by: "//Validator", weights: w(2, 0, 3, 0), key: 3, want: w(2, 0, 3, 0)},
		"owner needs no permit":      {by: "//Owner", weights: w(2, 1, 3, 1), key: 3, want: w(2, 65535, 3, 65535)},
		"own uid needs no permit":    {by: "//Miner", weights: w(2, 5), key: 3, want: w(2, 65535)},
		"own uid and another":        {by: "//Miner", weights: w(2, 5, 3, 5), key: 3, err: chain.ErrNoPermit},
		"single other uid":           {by: "//Validator", weights: w(2, 5), key: 3, err: chain.ErrRejected},
		"none":                       {by: "//Validator", key: 3, err: chain.ErrRejected},
		"old version key":            {by: "//Validator", weights: w(2, 1, 3, 1), key: 2, err: chain.ErrRejected},
		"version key before permit":  {by: "//Miner", weights: w(2, 1, 3, 1), key: 2, err: chain.ErrRejected},
		"too many before registered": {by: "//Stranger", weights: w(0, 1, 1, 1, 2, 1, 3, 1, 4, 1), key: 3, err: chain.ErrRejected},
		"registered before the key":  {by: "//Stranger", weights: w(0, 1, 1, 1), key: 0, err: chain.ErrNotRegistered},
		"above the largest weight":   {by: "//Validator", weights: w(2, 1, 3, 1), key: 3, max: 40000, err: chain.ErrRejected},
		"own uid above the largest":  {by: "//Validator", weights: w(1, 1), key: 3, max: 40000, want: w(1, 65535)},
		"uid twice":                  {by: "//Validator", weights: w(2, 1, 2, 1), key: 3, err: chain.ErrRejected},
		"uid that is not there":      {by: "//Validator", weights: w(2, 1, 4, 1), key: 3, err: chain.ErrRejected},
	} {
		t.Run(name, func(t *testing.T) {
			clock := chaintest.NewAutoClock(genesisTime)
			cfg := config(t)
			cfg.Subnets[0].MaxWeight = c.max
			chn := open(t, create(t, cfg, clock), clock)
			in, err := chn.SetWeights(t.Context(), key(t, c.by), netuid, c.weights, c.key)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			at := head(t, chn)
			if err == nil {
				at = in.Block
			}
			var uid uint16
			neurons, _ := chn.Neurons(t.Context(), netuid, at)
			for _, n := range neurons {
				if n.Hotkey == key(t, c.by).PublicKey() {
					uid = n.UID
				}
			}
			got, err := chn.Weights(t.Context(), netuid, uid, at)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("weights are %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

// A write at the head goes into the next block, and that block counts.
func TestRateLimitBorder(t *testing.T) {
	clock := chaintest.NewAutoClock(genesisTime)
	c := open(t, create(t, config(t), clock), clock)
	set := func() (chain.Inclusion, error) {
		return c.SetWeights(t.Context(), key(t, "//Validator"), netuid, []chain.Weight{{UID: 2, Value: 1}, {UID: 3, Value: 1}}, 3)
	}
	first, err := set()
	if err != nil || first.Block.Number != 1 {
		t.Fatalf("first weights: %v, %v", first, err)
	}
	clock.Advance(18 * blockTime) // the next block is 20
	var early *chain.RateLimitError
	if _, err := set(); !errors.As(err, &early) || early.RetryAt != 21 {
		t.Errorf("in block 20: %v, want a rate limit up to block 21", err)
	}
	clock.Advance(blockTime)
	if second, err := set(); err != nil || second.Block.Number != 21 {
		t.Errorf("in block 21: %v, %v", second, err)
	}
}

// An epoch has room for 3100 bytes, of which a commitment takes 100 or more.
func TestSpaceOfAnEpoch(t *testing.T) {
	clock := chaintest.NewAutoClock(genesisTime)
	c := open(t, create(t, config(t), clock), clock)
	clock.Advance(100 * blockTime) // epochs are [100, 200), [200, 300), …
	commit := func(size int) error {
		_, err := c.SetCommitment(t.Context(), key(t, "//Miner"), netuid, [][]byte{make([]byte, size)})
		return err
	}
	for i := range 31 {
		if err := commit(i % 101); err != nil {
			t.Fatalf("commitment %d: %v", i, err)
		}
	}
	if err := commit(1); !errors.Is(err, chain.ErrSpaceLimit) {
		t.Errorf("commitment 32 of one byte: %v, want ErrSpaceLimit", err)
	}
	clock.Advance(genesisTime.Add(198 * blockTime).Sub(clock.Now()))
	if err := commit(1); !errors.Is(err, chain.ErrSpaceLimit) {
		t.Errorf("in block 199: %v, want ErrSpaceLimit", err)
	}
	clock.Advance(blockTime)
	if err := commit(1); err != nil {
		t.Errorf("in block 200: %v", err)
	}
}

func TestRegisterAndStanding(t *testing.T) {
	clock := chaintest.NewAutoClock(genesisTime)
	dir := create(t, config(t), clock)
	c, peer := open(t, dir, clock), open(t, dir, clock)
	stranger := key(t, "//Stranger")
	before := head(t, c)
	registered, err := c.Register(t.Context(), netuid, localchain.Registration{Hotkey: stranger.PublicKey(), Coldkey: chain.PublicKey{1}, Stake: 5})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Register(t.Context(), netuid, localchain.Registration{Hotkey: stranger.PublicKey()}); !errors.Is(err, chain.ErrRejected) {
		t.Errorf("registering twice: %v, want ErrRejected", err)
	}
	raised, err := c.SetStanding(t.Context(), netuid, stranger.PublicKey(), 1<<63, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		at     chain.Block
		neuron *chain.Neuron
	}{
		{before, nil},
		{registered.Block, &chain.Neuron{UID: 4, Hotkey: stranger.PublicKey(), Coldkey: chain.PublicKey{1}, Stake: 5, RegisteredAt: registered.Block.Number}},
		{raised.Block, &chain.Neuron{UID: 4, Hotkey: stranger.PublicKey(), Coldkey: chain.PublicKey{1}, Stake: 1 << 63, Permit: true, RegisteredAt: registered.Block.Number}},
	} {
		neurons, err := peer.Neurons(t.Context(), netuid, want.at)
		if err != nil {
			t.Fatal(err)
		}
		var got *chain.Neuron
		if len(neurons) > 4 {
			got = &neurons[4]
		}
		if !reflect.DeepEqual(got, want.neuron) {
			t.Errorf("after block %d uid 4 is %+v, want %+v", want.at.Number, got, want.neuron)
		}
	}
	if _, err := peer.SetCommitment(t.Context(), stranger, netuid, [][]byte{{1}}); err != nil {
		t.Errorf("the new hotkey commits: %v", err)
	}
	if _, err := c.SetStanding(t.Context(), netuid, chain.PublicKey{7}, 0, false); !errors.Is(err, chain.ErrNotRegistered) {
		t.Errorf("standing of a stranger: %v, want ErrNotRegistered", err)
	}
}

// liar signs with one key and claims another.
type liar struct{ chain.Signer }

func (l liar) Sign([]byte) (sig [64]byte, err error) { return l.Signer.Sign([]byte("something else")) }

// mute cannot sign.
type mute struct{ chain.Signer }

var errMute = errors.New("no device")

func (mute) Sign([]byte) (sig [64]byte, err error) { return sig, errMute }

func TestSignatures(t *testing.T) {
	clock := chaintest.NewAutoClock(genesisTime)
	c := open(t, create(t, config(t), clock), clock)
	miner := key(t, "//Miner")
	if _, err := c.SetCommitment(t.Context(), liar{miner}, netuid, [][]byte{{1}}); !errors.Is(err, chain.ErrRejected) {
		t.Errorf("wrong signature: %v, want ErrRejected", err)
	}
	if _, err := c.SetCommitment(t.Context(), mute{miner}, netuid, [][]byte{{1}}); !errors.Is(err, errMute) {
		t.Errorf("no signature: %v, want the signer's error", err)
	}
	if got, err := c.Commitments(t.Context(), netuid, head(t, c)); err != nil || len(got) != 0 {
		t.Errorf("commitments are %v, %v, want none", got, err)
	}
}
