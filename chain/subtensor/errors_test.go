package subtensor

import (
	"encoding/json"
	"errors"
	"testing"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/rpc"
)

func TestPoolErrors(t *testing.T) {
	for _, c := range []struct {
		code          int
		message, data string
		name          string
		want          error
	}{
		{1010, "Invalid Transaction", "Custom error: 6", "RateLimitExceeded (pool, custom error 6)", errTooFast},
		{1010, "Invalid Transaction", "Custom error: 1", "StakeAmountTooLow (pool, custom error 1)", chain.ErrLowStake},
		{1010, "Invalid Transaction", "Custom error: 10", "HotKeyNotRegisteredInNetwork (pool, custom error 10)", chain.ErrNotRegistered},
		{1010, "Invalid Transaction", "Custom error: 15", "InvalidRevealRound (pool, custom error 15)", chain.ErrRejected},
		{1010, "Invalid Transaction", "Custom error: 255", "BadRequest (pool, custom error 255)", chain.ErrRejected},
		{1010, "Invalid Transaction", "Custom error: 99", "Invalid (pool)", chain.ErrRejected},
		{1010, "Invalid Transaction", "Custom error: ", "Invalid (pool)", chain.ErrRejected},
		{1010, "Invalid Transaction", "Custom error: 99999999999999999999", "Invalid (pool)", chain.ErrRejected},
		{1010, "Invalid Transaction", "Transaction is outdated", "Stale (pool)", chain.ErrOutdated},
		{1010, "Invalid Transaction", "Transaction has an ancient birth block", "AncientBirthBlock (pool)", chain.ErrOutdated},
		{1010, "Invalid Transaction", "Transaction has a bad signature", "BadProof (pool)", chain.ErrOutdated},
		{1010, "Invalid Transaction", "Transaction will be valid in the future", "Future (pool)", chain.ErrRejected},
		{1010, "Invalid Transaction", "Inability to pay some fees (e.g. account balance too low)", "Payment (pool)", chain.ErrRejected},
		{1010, "Invalid Transaction", "something new", "Invalid (pool)", chain.ErrRejected},
		{1012, "Transaction is temporarily banned", "", "TemporarilyBanned (pool, 1012)", chain.ErrRejected},
		{1013, "Transaction Already Imported", "", "AlreadyImported (pool, 1013)", errDuplicate},
		{1014, "Priority is too low: (10 vs 10)", "The transaction has too low priority", "TooLowPriority (pool, 1014)", errPriority},
		{-32601, "Method not found", "", "error -32601 of the pool", chain.ErrRejected},
	} {
		data, err := json.Marshal(c.data)
		if err != nil {
			t.Fatal(err)
		}
		got := poolError(&rpc.Error{Code: c.code, Message: c.message, Data: data})
		var refused *RefusedError
		if !errors.As(got, &refused) || refused.Name != c.name || !errors.Is(got, c.want) {
			t.Errorf("%d %q: %v, want %s under %v", c.code, c.data, got, c.name, c.want)
		}
	}
}

// Every error that we tell apart exists in the runtime under that name, and
// others keep theirs.
func TestDispatchErrors(t *testing.T) {
	m := fixture(t, "metadata-spec424-v16.scale")
	tested := map[string]bool{}
	for _, p := range m.Pallets {
		if p.Errors == nil {
			continue
		}
		for _, v := range m.Types[*p.Errors].Variants {
			module := metadata.Record{{Name: "index", Value: uint64(p.Index)}, {Name: "error", Value: []byte{v.Index, 0, 0, 0}}}
			err := dispatchError(m, metadata.Enum{Name: "Module", Fields: metadata.Record{{Value: module}}})
			name := p.Name + "." + v.Name
			want := moduleErrors[name]
			if want == nil {
				want = chain.ErrRejected
			}
			var refused *RefusedError
			if !errors.As(err, &refused) || refused.Name != name || !errors.Is(err, want) {
				t.Errorf("%s is named %v", name, err)
			}
			tested[name] = true
		}
	}
	for name := range moduleErrors {
		if !tested[name] {
			t.Errorf("error %s is not in the runtime", name)
		}
	}
	err := dispatchError(m, metadata.Enum{Name: "BadOrigin"})
	if !errors.Is(err, chain.ErrRejected) || err.Error() != "BadOrigin: chain refused the extrinsic" {
		t.Errorf("BadOrigin is %v", err)
	}
}

// Whatever a node says when it refuses, the refusal is one error with one meaning.
func FuzzPoolError(f *testing.F) {
	f.Add(1010, "Invalid Transaction", []byte(`"Custom error: 6"`))
	f.Add(1010, "Custom error:", []byte(`{"a":1}`))
	f.Add(1014, "Priority is too low: (1 vs 2)", []byte(nil))
	f.Fuzz(func(t *testing.T, code int, message string, data []byte) {
		err := poolError(&rpc.Error{Code: code, Message: message, Data: data})
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Name == "" || refused.Err == nil {
			t.Errorf("%v", err)
		}
	})
}
