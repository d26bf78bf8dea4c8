package subtensor_test

import (
	goruntime "runtime"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/devchain"
	"finest/chain/devchain/devchaintest"
	"finest/chain/devchain/runtime"
	"finest/chain/rpc"
	"finest/chain/rpc/rpctest"
	"finest/chain/subtensor"
	"finest/chain/wallet"
)

// ordeal is a chain in trouble and a client that has to live through it. Timers
// of the client fire when the test says so.
type ordeal struct {
	*testing.T
	node     *devchain.Node
	clock    *rpctest.Clock
	client   *subtensor.Client
	endpoint string
	miner    *wallet.Hotkey
	voter    *wallet.Hotkey
}

const troubled = 9 // the subnet of ordeals

func troubledConfig(t testing.TB) runtime.Config {
	sub := runtime.Subnet{Netuid: troubled, Owner: devchaintest.Key(t, "//Owner").PublicKey(), Tempo: 50, WeightsRateLimit: 5, MinWeights: 1}
	for _, uri := range []string{"//Owner", "//Voter", "//Miner"} {
		sub.Neurons = append(sub.Neurons, runtime.Neuron{Hotkey: devchaintest.Key(t, uri).PublicKey(), Stake: 1e12, Permit: uri == "//Voter"})
	}
	return runtime.Config{BlockTime: 12 * time.Second, Subnets: []runtime.Subnet{sub}}
}

func newOrdeal(t *testing.T, change ...func(*subtensor.Options)) *ordeal {
	t.Helper()
	return ordealOf(t, devchaintest.Start(t, troubledConfig(t)), change...)
}

func ordealOf(t *testing.T, node *devchain.Node, change ...func(*subtensor.Options)) *ordeal {
	t.Helper()
	o := &ordeal{
		T: t, node: node, clock: rpctest.NewClock(), endpoint: devchaintest.Listen(t, node),
		miner: devchaintest.Key(t, "//Miner"), voter: devchaintest.Key(t, "//Voter"),
	}
	for pause := rpc.DefaultMinBackoff / 2; pause < rpc.DefaultMaxBackoff; pause *= 2 {
		o.clock.Auto(min(pause, rpc.DefaultMaxBackoff/2))
	}
	o.client = devchaintest.Dial(t, o.endpoint, append(change, func(c *subtensor.Options) {
		c.After, c.Now, c.Rand = o.clock.After, o.clock.Now, func() float64 { return 0 }
	})...)
	return o
}

type included struct {
	chain.Inclusion
	err error
}

// commit writes a commitment in the background.
func (o *ordeal) commit(text string) <-chan included {
	done := make(chan included, 1)
	go func() {
		in, err := o.client.SetCommitment(o.Context(), o.miner, troubled, [][]byte{[]byte(text)})
		done <- included{in, err}
	}()
	return done
}

// until does something again and again until the write ends.
func (o *ordeal) until(done <-chan included, again ...func()) included {
	for {
		select {
		case in := <-done:
			return in
		default:
			for _, f := range again {
				f()
			}
			goruntime.Gosched()
		}
	}
}

func (o *ordeal) poll() { o.clock.TryFire(subtensor.DefaultPoll) }
func (o *ordeal) seal() { o.node.Seal(1) }

// inPool waits until the pool holds an extrinsic.
func (o *ordeal) inPool() {
	o.Helper()
	c, err := rpc.New(rpc.Options{Endpoints: []string{o.endpoint}})
	if err != nil {
		o.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for pending := []string(nil); len(pending) == 0; goruntime.Gosched() {
		if err := c.Call(o.Context(), &pending, "author_pendingExtrinsics"); err != nil {
			o.Fatal(err)
		}
	}
}

// once fails the test unless the commitment was written in the block that was
// returned, and in no other.
func (o *ordeal) once(text string, in included) {
	o.Helper()
	if in.err != nil {
		o.Fatalf("commitment: %v", in.err)
	}
	o.node.Seal(5)
	look := devchaintest.Dial(o, o.endpoint)
	for number := uint64(1); number <= o.node.Finalized().Number; number++ {
		at, err := look.BlockAt(o.Context(), number)
		if err != nil {
			o.Fatal(err)
		}
		events, err := look.CommitmentEvents(o.Context(), troubled, at)
		if err != nil {
			o.Fatal(err)
		}
		for _, e := range events {
			if written := string(e.Fields[0]) == text; written != (at == in.Block) {
				o.Errorf("block %d has the commitment %q, the write ended in block %d", number, e.Fields[0], in.Block.Number)
			}
		}
	}
	found, err := look.Commitment(o.Context(), troubled, o.miner.PublicKey(), o.node.Finalized())
	if err != nil || found == nil || found.Block != in.Block.Number || string(found.Fields[0]) != text {
		o.Errorf("commitment is %+v, %v, want that of block %d", found, err, in.Block.Number)
	}
}

// expire lets the deadlines of calls and connections pass.
func (o *ordeal) expire() {
	o.clock.TryFire(subtensor.DefaultCallTimeout)
	o.clock.TryFire(rpc.DefaultDialTimeout)
}

// deadlines lets the time of a silent node pass, until the client has asked in
// vain n times more.
func (o *ordeal) deadlines(n int) {
	asked := func() (n int) {
		for _, d := range o.clock.Log() {
			if d == subtensor.DefaultCallTimeout || d == rpc.DefaultDialTimeout {
				n++
			}
		}
		return n
	}
	for until := asked() + n; asked() < until; goruntime.Gosched() {
		o.poll()
		o.expire()
	}
}
