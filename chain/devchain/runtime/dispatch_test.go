package runtime_test

import (
	"fmt"
	"strings"
	"testing"

	"finest/chain"
	"finest/chain/devchain/runtime"
	"finest/chain/metadata"
)

// Without guards the refusals come from dispatch, under their names.
func TestRefusalsInBlocks(t *testing.T) {
	cfg := config(t)
	cfg.NoGuards, cfg.StakeThreshold = true, 1
	w := newWorld(t, cfg)
	validator := key(t, "//Validator")
	axon := metadata.Args{
		"netuid": netuid, "version": 1, "ip": 1, "port": 0, "ip_type": 4, "protocol": 4, "placeholder1": 0, "placeholder2": 0,
	}
	prometheus := metadata.Args{"netuid": netuid, "version": 1, "ip": 1, "port": 9, "ip_type": 5}
	for _, c := range []struct {
		by, call string
		args     metadata.Args
		want     string
	}{
		{"//Validator", "set_weights", weights(3, 1, 1, 2, 2), ""},
		{"//Validator", "set_weights", weights(3, 1, 1, 2, 2), "SettingWeightsTooFast"},
		{"//Validator", "reveal_weights", revealArgs(nil), "CommitRevealDisabled"},
		{"//Stranger", "serve_axon", axon, "HotKeyNotRegisteredInNetwork"},
		{"//Miner", "serve_axon", axon, "InvalidPort"},
		{"//Miner", "serve_prometheus", prometheus, "InvalidIpType"},
	} {
		if c.want != "" {
			c.want = "SubtensorModule." + c.want
		}
		if got := w.do(key(t, c.by), "SubtensorModule", c.call, c.args); got != c.want {
			t.Errorf("%s: outcome %q, want %q", c.call, got, c.want)
		}
	}
	prometheus["ip_type"] = 4
	for _, want := range []string{"", "SubtensorModule.ServingRateLimitExceeded"} {
		if got := w.do(key(t, "//Miner"), "SubtensorModule", "serve_prometheus", prometheus); got != want {
			t.Errorf("outcome %q, want %q", got, want)
		}
	}
	w.state.SetStake(netuid, validator.PublicKey(), 0)
	if got := w.do(validator, "SubtensorModule", "set_weights", weights(3, 1, 1, 2, 2)); got != "SubtensorModule.NotEnoughStakeToSetWeights" {
		t.Errorf("outcome %q", got)
	}
}

func revealArgs(salt []uint16) metadata.Args {
	return metadata.Args{"netuid": netuid, "uids": []uint16{1, 2}, "values": []uint16{7, 14}, "salt": salt, "version_key": 3}
}

func hashOf(by chain.Signer, salt []uint16) chain.Hash {
	return runtime.CommitHash(by.PublicKey(), netuid, []uint16{1, 2}, []uint16{7, 14}, salt, 3)
}

func TestRefusedReveals(t *testing.T) {
	cfg := commitReveal(t)
	cfg.NoGuards, cfg.Subnets[0].WeightsRateLimit = true, 0
	w := newWorld(t, cfg)
	by := key(t, "//Validator")
	reveal := func(salt uint16, want string) {
		t.Helper()
		if want != "" {
			want = "SubtensorModule." + want
		}
		if got := w.do(by, "SubtensorModule", "reveal_weights", revealArgs([]uint16{salt})); got != want {
			t.Errorf("block %d: outcome %q, want %q", w.number, got, want)
		}
	}
	commit := func(salt uint16) {
		t.Helper()
		args := metadata.Args{"netuid": netuid, "commit_hash": hashOf(by, []uint16{salt})}
		if got := w.do(by, "SubtensorModule", "commit_weights", args); got != "" {
			t.Fatal(got)
		}
	}
	reveal(1, "NoWeightsCommitFound")
	commit(1)
	reveal(1, "RevealTooEarly")
	reveal(9, "InvalidRevealCommitHashNotMatch")
	w.blocks(20)
	commit(2)
	w.blocks(20)
	reveal(1, "ExpiredWeightCommit")
	reveal(9, "InvalidRevealCommitHashNotMatch")
	w.blocks(20)
	reveal(2, "ExpiredWeightCommit")
	reveal(9, "NoWeightsCommitFound")
}

// Batches commit to several subnets and reveal several commits, in both runtimes.
func TestBatches(t *testing.T) {
	for _, v := range []runtime.Version{runtime.V1, runtime.V2} {
		t.Run(v.String(), func(t *testing.T) {
			cfg := commitReveal(t)
			cfg.Subnets[0].WeightsRateLimit = 0
			second := cfg.Subnets[0]
			second.Netuid, second.CommitReveal = 8, false
			cfg.Subnets = append(cfg.Subnets, second)
			w := newWorld(t, cfg)
			w.state.SetCode(v)
			by := key(t, "//Validator")
			hashes := []chain.Hash{hashOf(by, []uint16{1}), hashOf(by, []uint16{2}), {}}
			args := metadata.Args{"netuids": []uint16{7, 7, 8}, "commit_hashes": hashes}
			if got := w.do(by, "SubtensorModule", "batch_commit_weights", args); got != "" {
				t.Fatal(got)
			}
			failed := w.deposited("SubtensorModule", "BatchWeightItemFailed")
			if len(failed) != 1 || len(w.deposited("SubtensorModule", "WeightsCommitted")) != 2 || len(w.deposited("SubtensorModule", "BatchCompletedWithErrors")) != 1 {
				t.Fatalf("events %v", w.events)
			}
			if got := w.runtime().Metadata().DispatchError(failed[0].Fields[1].Value).String(); got != "SubtensorModule.CommitRevealDisabled" {
				t.Errorf("part failed with %s", got)
			}
			w.blocks(20)
			lists := func(items ...[]uint16) (out []any) {
				for _, i := range items {
					out = append(out, i)
				}
				return out
			}
			reveal := metadata.Args{
				"netuid": netuid, "uids_list": lists([]uint16{1, 2}, []uint16{1, 2}), "values_list": lists([]uint16{7, 14}, []uint16{7, 14}),
				"salts_list": lists([]uint16{1}, []uint16{2}), "version_keys": []uint64{3, 3},
			}
			if got := w.do(by, "SubtensorModule", "batch_reveal_weights", reveal); got != "" {
				t.Fatal(got)
			}
			if e := w.deposited("SubtensorModule", "WeightsBatchRevealed"); len(e) != 1 {
				t.Errorf("events %v", w.events)
			}
			if got := fmt.Sprint(w.read("SubtensorModule", "Weights", netuid, 1)); got != "[[1 32768] [2 65535]]" {
				t.Errorf("weights %s", got)
			}
		})
	}
}

// Calls that need a certain caller refuse others.
func TestOrigins(t *testing.T) {
	w := newWorld(t, config(t))
	alice := key(t, "//Alice")
	inSudo := func(pallet, name string, args metadata.Args) metadata.Args {
		return metadata.Args{"call": metadata.NewEnum(pallet, metadata.Enum{Name: name, Fields: record(args)})}
	}
	for _, c := range []struct {
		call string
		args metadata.Args
		want string
	}{
		{"Commitments.set_max_space", metadata.Args{"new_limit": 10}, ""},
		{"Commitments.set_commitment", info(raw(1)), "BadOrigin"},
		{"SubtensorModule.set_weights", weights(3), "BadOrigin"},
		{"Balances.transfer_all", metadata.Args{"dest": metadata.NewEnum("Id", alice.PublicKey()), "keep_alive": true}, "BadOrigin"},
		{"System.remark", hello, ""},
		{"System.remark_with_event", hello, "BadOrigin"},
	} {
		pallet, name, _ := strings.Cut(c.call, ".")
		if got := w.do(alice, "Sudo", "sudo", inSudo(pallet, name, c.args)); got != "" {
			t.Fatal(got)
		}
		result, _ := w.deposited("Sudo", "Sudid")[0].Fields.Get("sudo_result").(metadata.Enum)
		got := ""
		if result.Name == "Err" {
			got = w.runtime().Metadata().DispatchError(result.Fields[0].Value).String()
		}
		if got != c.want {
			t.Errorf("%s by root: %q, want %q", c.call, got, c.want)
		}
	}
	if got := w.do(key(t, "//Miner"), "Commitments", "set_commitment", info(raw(1))); got != "Commitments.SpaceLimitExceeded" {
		t.Errorf("outcome %q with less space", got)
	}
	if got := w.do(alice, "Commitments", "set_max_space", metadata.Args{"new_limit": 10}); got != "BadOrigin" {
		t.Errorf("outcome %q", got)
	}
	if got := w.do(alice, "AdminUtils", "sudo_set_min_allowed_weights", metadata.Args{"netuid": netuid, "min_allowed_weights": 1}); got != "BadOrigin" {
		t.Errorf("outcome %q", got)
	}
	w.fund("//Owner//cold", 1e9) // who owns the subnet
	if got := w.do(key(t, "//Owner//cold"), "AdminUtils", "sudo_set_min_allowed_weights", metadata.Args{"netuid": netuid, "min_allowed_weights": 1}); got != "" {
		t.Errorf("outcome %q", got)
	}
	if got := w.do(key(t, "//Owner//cold"), "AdminUtils", "sudo_set_tempo", metadata.Args{"netuid": netuid, "tempo": 1}); got != "BadOrigin" {
		t.Errorf("outcome %q", got)
	}
	if got := w.do(alice, "System", "remark_with_event", hello); got != "" || len(w.deposited("System", "Remarked")) != 1 {
		t.Errorf("outcome %q, events %v", got, w.events)
	}
}

func TestTransfers(t *testing.T) {
	w := newWorld(t, config(t))
	w.fund("//Rich", 10_000_000)
	rich, to := key(t, "//Rich"), key(t, "//New").PublicKey()
	id := metadata.NewEnum("Id", to)
	for _, c := range []struct {
		call string
		args metadata.Args
		want string
	}{
		{"transfer_keep_alive", metadata.Args{"dest": id, "value": 499}, "Token.BelowMinimum"},
		{"transfer_keep_alive", metadata.Args{"dest": metadata.NewEnum("Index", []any{}), "value": 500}, "CannotLookup"},
		{"transfer_keep_alive", metadata.Args{"dest": id, "value": 500}, ""},
		{"transfer_all", metadata.Args{"dest": id, "keep_alive": true}, ""},
	} {
		if got := w.do(rich, "Balances", c.call, c.args); got != c.want {
			t.Errorf("%s: outcome %q, want %q", c.call, got, c.want)
		}
	}
	if got := w.state.Balance(rich.PublicKey()); got != runtime.ExistentialDeposit {
		t.Errorf("balance %d", got)
	}
}
