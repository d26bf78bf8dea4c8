package taskserver_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vedhavyas/go-subkey/v2/ed25519"

	"finest/chain"
	"finest/internal/contract"
	"finest/roles/taskserver"
)

const leaseBody = `{"op":"lease","recipe":"fineweb","slot":1}`

func TestSignedRequest(t *testing.T) {
	e := newEnv(t, 1)
	equal(t, "problem", e.problemOf(e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))), "")
}

func TestBadHeaders(t *testing.T) {
	e := newEnv(t, 1)
	other := key(t, "//Other").Address()
	foreign, err := ed25519.Scheme{}.Generate()
	check(t, err)
	set := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	signature := func(change func(string) string) func(http.Header) {
		return func(h http.Header) { h.Set(contract.HeaderSignature, change(h.Get(contract.HeaderSignature))) }
	}
	at := func(d time.Duration) func(http.Header) {
		return set(contract.HeaderTimestamp, fmt.Sprint(start.Add(d).UnixMilli()))
	}
	cases := []struct {
		name   string
		change func(http.Header)
		want   string
	}{
		{"no version", func(h http.Header) { h.Del(contract.HeaderVersion) }, contract.ProblemUnsigned},
		{"version 1", set(contract.HeaderVersion, "1"), contract.ProblemMalformedHeader},
		{"no receiver", func(h http.Header) { h.Del(contract.HeaderSignedFor) }, contract.ProblemUnsigned},
		{"two signers", func(h http.Header) { h.Add(contract.HeaderSignedBy, other) }, contract.ProblemMalformedHeader},
		{"timestamp in words", set(contract.HeaderTimestamp, "now"), contract.ProblemMalformedHeader},
		{"timestamp with a sign", set(contract.HeaderTimestamp, fmt.Sprintf("+%d", start.UnixMilli())), contract.ProblemMalformedHeader},
		{"timestamp of 30 digits", set(contract.HeaderTimestamp, strings.Repeat("1", 30)), contract.ProblemMalformedHeader},
		{"upper-case UUID", set(contract.HeaderUUID, "0000000A-0000-4000-8000-000000000000"), contract.ProblemMalformedHeader},
		{"signature without 0x", signature(func(s string) string { return s[2:] }), contract.ProblemMalformedHeader},
		{"truncated signature", signature(func(s string) string { return s[:len(s)-2] }), contract.ProblemTruncatedSignature},
		{"upper-case signature", signature(func(s string) string { return "0x" + strings.ToUpper(s[2:]) }), contract.ProblemMalformedHeader},
		{"address with injection", set(contract.HeaderSignedBy, "5'; DROP TABLE tasks;--\r\nX: y"), contract.ProblemMalformedHeader},
		{"for another server", set(contract.HeaderSignedFor, other), contract.ProblemWrongReceiver},
		{"a day old", at(-24 * time.Hour), contract.ProblemStale},
		{"just too old", at(-5001 * time.Millisecond), contract.ProblemStale},
		{"just too early", at(5001 * time.Millisecond), contract.ProblemFuture},
		// Within the window, but the signature covers the timestamp.
		{"timestamp changed", at(-4900 * time.Millisecond), contract.ProblemBadSignature},
		{"uuid changed", set(contract.HeaderUUID, uuidOf(999)), contract.ProblemBadSignature},
		{"signed by another", set(contract.HeaderSignedBy, other), contract.ProblemBadSignature},
		{"unregistered signer", set(contract.HeaderSignedBy, key(t, "//Stranger").Address()), contract.ProblemNotRegistered},
		{"zero signature", set(contract.HeaderSignature, "0x"+strings.Repeat("0", 128)), contract.ProblemWrongScheme},
		{"last bit changed", signature(func(s string) string { return s[:len(s)-1] + flip(s[len(s)-1]) }), contract.ProblemBadSignature},
		{"ed25519", func(h http.Header) {
			signed, err := foreign.Sign([]byte(h.Get(contract.HeaderUUID)))
			check(t, err)
			h.Set(contract.HeaderSignature, "0x"+hex.EncodeToString(signed))
		}, contract.ProblemWrongScheme},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(i))
			c.change(r.Header)
			equal(t, "problem", e.problemOf(r), c.want)
		})
	}
}

// flip changes the lowest bit of a hex digit.
func flip(digit byte) string {
	const digits = "0123456789abcdef"
	return string(digits[strings.IndexByte(digits, digit)^1])
}

func TestTimestampWindow(t *testing.T) {
	e := newEnv(t, 1)
	for i, off := range []time.Duration{-5 * time.Second, -4900 * time.Millisecond, 4900 * time.Millisecond, 5 * time.Second} {
		r := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(i))
		e.pass(-off)
		equal(t, fmt.Sprintf("problem of a timestamp %s off", off), e.problemOf(r), "")
		e.pass(off)
	}
}

func TestReplay(t *testing.T) {
	e := newEnv(t, 1)
	request := func() *http.Request {
		return e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))
	}
	first := request()
	again := first.Clone(t.Context())
	again.Body = io.NopCloser(strings.NewReader(leaseBody))
	equal(t, "first", e.problemOf(first), "")
	equal(t, "the same request", e.problemOf(again), contract.ProblemReplayed)
	equal(t, "the same UUID signed again", e.problemOf(request()), contract.ProblemReplayed)
	e.start()
	equal(t, "after a restart", e.problemOf(request()), contract.ProblemReplayed)
	e.pass(-5 * time.Minute)
	equal(t, "after the clock was set back", e.problemOf(request()), contract.ProblemReplayed)
}

func TestRefusedRequestUsesNoUUID(t *testing.T) {
	e := newEnv(t, 1)
	r := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))
	r.Body = io.NopCloser(strings.NewReader(leaseBody + " "))
	equal(t, "changed body", e.problemOf(r), contract.ProblemBadSignature)
	equal(t, "true body", e.problemOf(e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))), "")
}

// TestBodies signs every body properly.
func TestBodies(t *testing.T) {
	e := newEnv(t, 1)
	renew := `{"generation":1,"op":"renew","task":"` + crawl + `-000000"}`
	for i, c := range []struct{ name, op, body, want string }{
		{"order and white space", "lease", "{ \"slot\": 1,\n\"op\": \"lease\", \"recipe\": \"fineweb\" }", ""},
		{"empty", "lease", "", contract.ProblemMalformed},
		{"not JSON", "lease", "slot=1", contract.ProblemMalformed},
		{"null", "lease", "null", contract.ProblemWrongOperation},
		{"array", "lease", "[]", contract.ProblemMalformed},
		{"another operation", "release", renew, contract.ProblemWrongOperation},
		{"no operation", "lease", `{"recipe":"fineweb","slot":1}`, contract.ProblemWrongOperation},
		{"missing field", "lease", `{"op":"lease","slot":1}`, contract.ProblemMalformed},
		{"unknown field", "lease", `{"op":"lease","recipe":"fineweb","slot":1,"x":1}`, contract.ProblemMalformed},
		{"misspelt field", "lease", `{"op":"lease","recipe":"fineweb","Slot":1}`, contract.ProblemMalformed},
		{"duplicate key", "lease", `{"op":"lease","recipe":"fineweb","slot":1,"slot":2}`, contract.ProblemMalformed},
		{"trailing data", "lease", leaseBody + "{}", contract.ProblemMalformed},
		{"number beyond 53 bits", "lease", `{"op":"lease","recipe":"fineweb","slot":9007199254740993}`, contract.ProblemMalformed},
		{"fraction", "lease", `{"op":"lease","recipe":"fineweb","slot":1.5}`, contract.ProblemMalformed},
		{"not a number", "lease", `{"op":"lease","recipe":"fineweb","slot":NaN}`, contract.ProblemMalformed},
		{"deep nesting", "lease", strings.Repeat("[", 5000), contract.ProblemMalformed},
		{"too large", "lease", `{"op":"lease","recipe":"` + strings.Repeat("x", 1<<20) + `","slot":1}`, contract.ProblemTooLarge},
		{"invalid UTF-8", "lease", "{\"op\":\"lease\",\"recipe\":\"\xff\",\"slot\":1}", contract.ProblemMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			equal(t, "problem", e.problemOf(e.signedRequest("//Miner", c.op, []byte(c.body), uuidOf(i))), c.want)
		})
	}
}

func TestChainIsNotReadPerRequest(t *testing.T) {
	e := newEnv(t, 1)
	e.lease("//Miner")
	equal(t, "reads of the head", e.chain.heads, 1)
	equal(t, "reads of the neurons", e.chain.members, 1)
	for range 20 {
		e.lease("//Miner")
		e.get("/v1/tasks")
		_, err := e.client("//Stranger").Lease(t.Context(), 1, "fineweb")
		wantProblem(t, "stranger", err, contract.ProblemNotRegistered)
	}
	equal(t, "reads of the head", e.chain.heads, 1)
	equal(t, "reads of the neurons", e.chain.members, 1)
	e.mine(1)
	e.lease("//Miner")
	equal(t, "reads of the head after a while", e.chain.heads, 2)
	equal(t, "reads of the neurons after a while", e.chain.members, 1)
}

func TestRegistrationIsFollowed(t *testing.T) {
	e := newEnv(t, 2)
	late := e.client("//Late")
	_, err := late.Lease(t.Context(), 1, "fineweb")
	wantProblem(t, "before registration", err, contract.ProblemNotRegistered)
	e.chain.set(func(c *fakeChain) {
		c.neurons = append(c.neurons[1:], neuron(t, 9, "//Late", false))
	})
	e.mine(1)
	_, err = late.Lease(t.Context(), 1, "fineweb")
	check(t, err)
	e.pass(taskserver.DefaultNeuronsAge)
	_, err = e.client("//Miner").Lease(t.Context(), 1, "fineweb")
	wantProblem(t, "after deregistration", err, contract.ProblemNotRegistered)
}

func TestChainUnavailable(t *testing.T) {
	e := newEnv(t, 1)
	r := e.lease("//Miner")
	e.chain.set(func(c *fakeChain) { c.err = chain.ErrUnavailable })
	e.pass(taskserver.DefaultHeadAge)
	reads := e.chain.heads
	for range 3 {
		_, err := e.client("//Other").Lease(t.Context(), 1, "fineweb")
		wantProblem(t, "lease without a chain", err, contract.ProblemChainUnavailable)
	}
	equal(t, "reads while it fails", e.chain.heads, reads+1)
	status, body := e.get("/v1/tasks/" + r.Task)
	equal(t, "status of a GET", status, 200)
	if !bytes.Contains([]byte(body), []byte(`"leased"`)) {
		t.Errorf("GET without a chain: %s", body)
	}
	e.chain.set(func(c *fakeChain) { c.err = nil })
	e.pass(taskserver.DefaultHeadAge)
	e.lease("//Miner")
}

// TestLaggingNode: a node behind the last one asked takes no block back.
func TestLaggingNode(t *testing.T) {
	e := newEnv(t, 2)
	e.lease("//Miner")
	e.chain.set(func(c *fakeChain) { c.head -= 10 })
	e.pass(taskserver.DefaultHeadAge)
	equal(t, "block of the receipt", e.lease("//Other").Block, firstHead)
}
