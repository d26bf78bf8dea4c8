package taskserver_test

import (
	"testing"

	"finest/chain/wallet"
	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/client"
)

const renewBody = `{"generation":1,"op":"renew","task":"` + crawl + `-000000"}`

// rotating has three keys, from blocks 0, 1100 and 1200 on.
func rotating(t testing.TB) func(*taskserver.Options) {
	return func(o *taskserver.Options) {
		o.Keys = []taskserver.Key{{Signer: key(t, "//Third"), FromBlock: 1200}, {Signer: key(t, "//First")}, {Signer: key(t, "//Second"), FromBlock: 1100}}
	}
}

func TestReceiptsAreSignedByTheKeyOfTheirBlock(t *testing.T) {
	for _, c := range []struct {
		block uint64
		key   string
	}{{1000, "//First"}, {1099, "//First"}, {1100, "//Second"}, {1200, "//Third"}, {9000, "//Third"}} {
		e := newEnv(t, 1, rotating(t))
		e.mine(c.block - firstHead)
		r := e.lease("//Miner")
		want := key(t, c.key)
		equal(t, "server of the receipt", r.Server, want.Address())
		if !wallet.Verify(want.PublicKey(), []byte(canonical(t, r.Unsigned())), signatureOf(t, r.Signature)) {
			t.Errorf("receipt of block %d is not signed by %s", r.Block, c.key)
		}
		info, err := e.client("//Other").Info(t.Context())
		check(t, err)
		equal(t, "server", info.Server, want.Address())
		equal(t, "keys", len(info.Keys), 3)
		equal(t, "second key", info.Keys[1], contract.ServerKey{Address: key(t, "//Second").Address(), FromBlock: 1100})
	}
}

// TestRequestsForNeighbouringKeys: whoever learnt of a change late or early is
// served; a key that is long over is not.
func TestRequestsForNeighbouringKeys(t *testing.T) {
	e := newEnv(t, 0, rotating(t))
	const served = contract.ProblemUnknownTask // as far as the engine
	for i, c := range []struct {
		block uint64
		key   string
		want  string
	}{
		{1000, "//First", served}, {1000, "//Second", served}, {1000, "//Third", contract.ProblemWrongReceiver},
		{1100, "//First", served}, {1100, "//Second", served}, {1100, "//Third", served},
		{1200, "//First", contract.ProblemWrongReceiver}, {1200, "//Second", served}, {1200, "//Third", served},
		{1200, "//Miner", contract.ProblemWrongReceiver},
	} {
		e.chain.set(func(f *fakeChain) { f.head = c.block })
		e.pass(taskserver.DefaultHeadAge)
		e.signer = key(t, c.key)
		equal(t, "problem of a request for "+c.key, e.problemOf(e.signedRequest("//Miner", "renew", []byte(renewBody), uuidOf(i))), c.want)
	}
}

// TestClientLearnsOfRotation: a client that runs through two changes of keys
// goes on; one that is told whom to trust does not.
func TestClientLearnsOfRotation(t *testing.T) {
	e := newEnv(t, 0, rotating(t))
	learning, pinned := e.client("//Miner"), e.client("//Other")
	pinned.Server = key(t, "//First").Address()
	const served = contract.ProblemUnknownTask // as far as the engine
	for _, c := range []*client.Client{learning, pinned} {
		wantProblem(t, "at first", c.Renew(t.Context(), crawl+"-000000", 1), served)
	}
	e.mine(200)
	wantProblem(t, "told by the server", learning.Renew(t.Context(), crawl+"-000000", 1), served)
	wantProblem(t, "pinned to a key that is over", pinned.Renew(t.Context(), crawl+"-000000", 1), contract.ProblemWrongReceiver)
}
