package taskserver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"finest/chain"
	"finest/internal/contract"
	"finest/roles/taskserver"
)

// TestRequestsDoNotWaitForTheChain: what is known is read again before it is
// too old, so a chain that takes its time keeps nobody waiting.
func TestRequestsDoNotWaitForTheChain(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, e *env, _ func()) {
		e.lease("//Miner")
		e.chain.set(func(c *fakeChain) { c.delay = 300 * time.Millisecond })
		for range 200 {
			time.Sleep(777 * time.Millisecond)
			began := time.Now()
			if status, _ := e.get("/v1/tasks"); status != 200 || time.Since(began) > 0 {
				t.Fatalf("status %d after %s", status, time.Since(began))
			}
		}
	})
}

// TestOldRegistrationsAreBetterThanNone: a metagraph that cannot be read for a
// while leaves the one before, as long as it may stand.
func TestOldRegistrationsAreBetterThanNone(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, e *env, _ func()) {
		e.lease("//Miner")
		e.chain.set(func(c *fakeChain) { c.neuronsErr = chain.ErrUnavailable })
		lease := func() string {
			synctest.Wait()
			e.now = time.Now()
			return e.problemOf(e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(int(time.Now().Unix()))))
		}
		time.Sleep(taskserver.DefaultNeuronsAge / 2)
		equal(t, "problem after half a minute", lease(), "")
		time.Sleep(taskserver.DefaultNeuronsAge)
		equal(t, "problem after more than a minute", lease(), contract.ProblemChainUnavailable)
		e.chain.set(func(c *fakeChain) { c.neuronsErr = nil })
		time.Sleep(2 * time.Minute)
		equal(t, "problem when it can be read again", lease(), "")
	})
}
