package runtime_test

import (
	"fmt"
	"testing"

	"finest/chain/devchain/runtime"
	"finest/chain/metadata"
)

func (w *world) fund(uri string, rao uint64) {
	w.Helper()
	w.state.SetBalance(key(w, uri).PublicKey(), rao)
}

func (w *world) registerHotkey(coldkey, hotkey string) string {
	w.Helper()
	return w.do(key(w, coldkey), "SubtensorModule", "burned_register", metadata.Args{"netuid": netuid, "hotkey": key(w, hotkey).PublicKey()})
}

func TestRegister(t *testing.T) {
	w := newWorld(t, config(t))
	w.fund("//Rich", 1e12)
	if got := w.registerHotkey("//Rich", "//New"); got != "" {
		t.Fatal(got)
	}
	hotkey := key(t, "//New").PublicKey()
	if uid := w.read("SubtensorModule", "Uids", netuid, hotkey); uid != uint64(4) {
		t.Errorf("uid %v", uid)
	}
	if at := w.read("SubtensorModule", "BlockAtRegistration", netuid, 4); at != uint64(1) {
		t.Errorf("registered at %v", at)
	}
	if n := w.read("SubtensorModule", "SubnetworkN", netuid); n != uint64(5) {
		t.Errorf("%v neurons", n)
	}
	if got := w.registerHotkey("//Rich", "//New"); got != "SubtensorModule.HotKeyAlreadyRegisteredInSubNet" {
		t.Errorf("outcome %q", got)
	}
	w.fund("//Poor", 1e6)
	if got := w.registerHotkey("//Poor", "//Newer"); got != "SubtensorModule.NotEnoughBalanceToStake" {
		t.Errorf("outcome %q", got)
	}
	args := metadata.Args{"netuid": netuid, "hotkey": key(t, "//Newer").PublicKey(), "limit_price": 1}
	if got := w.do(key(t, "//Rich"), "SubtensorModule", "register_limit", args); got != "SubtensorModule.RegistrationPriceLimitExceeded" {
		t.Errorf("outcome %q", got)
	}
	if got := w.do(key(t, "//Rich"), "SubtensorModule", "burned_register", metadata.Args{"netuid": 9, "hotkey": hotkey}); got != "SubtensorModule.SubnetNotExists" {
		t.Errorf("outcome %q", got)
	}
}

// A full subnet gives the uid of its least neuron to the newcomer: the one with
// the lowest emission among those out of immunity, never the owner's.
func TestUIDsAreRecycled(t *testing.T) {
	cfg := config(t)
	cfg.Subnets[0].MaxUIDs = 4 // full; immunity is 10 blocks, tempo 20
	w := newWorld(t, cfg)
	w.fund("//Rich", 1e12)
	validator := key(t, "//Validator")
	if got := w.do(validator, "SubtensorModule", "set_weights", weights(3, 2, 1, 1, 0)); got != "" { // pays uid 2 and uid 1
		t.Fatal(got)
	}
	if got := w.do(key(t, "//Other"), "Commitments", "set_commitment", info(raw(3))); got != "" {
		t.Fatal(got)
	}
	w.blocks(20)
	if got := w.registerHotkey("//Rich", "//New"); got != "" {
		t.Fatal(got)
	}
	newcomer, other := key(t, "//New").PublicKey(), key(t, "//Other").PublicKey()
	if uid := w.read("SubtensorModule", "Uids", netuid, newcomer); uid != uint64(3) {
		t.Errorf("uid %v, want that of //Other", uid)
	}
	if w.read("SubtensorModule", "Uids", netuid, other) != nil || w.read("SubtensorModule", "IsNetworkMember", other, netuid) != false {
		t.Error("the former neuron stays registered")
	}
	if at := w.read("SubtensorModule", "BlockAtRegistration", netuid, 3); at != uint64(w.number) {
		t.Errorf("registered at %v", at)
	}
	if got := fmt.Sprint(w.read("SubtensorModule", "LastUpdate", netuid)); got != fmt.Sprintf("[0 1 0 %d]", w.number) {
		t.Errorf("last update %s", got)
	}
	if w.read("Commitments", "CommitmentOf", netuid, other) == nil {
		t.Error("the commitment of the former hotkey is gone; it is kept by hotkey")
	}
	// The newcomer is immune now; all others but the owner earned more, so the
	// next to go is the one with the lower emission.
	if got := w.registerHotkey("//Rich", "//Newer"); got != "" {
		t.Fatal(got)
	}
	if uid := w.read("SubtensorModule", "Uids", netuid, key(t, "//Newer").PublicKey()); uid == uint64(0) || uid == uint64(3) {
		t.Errorf("uid %v of the owner or of an immune neuron", uid)
	}
}

func TestElection(t *testing.T) {
	cfg := config(t)
	cfg.Subnets[0].Elect, cfg.Subnets[0].MaxValidators = true, 2
	for i := range cfg.Subnets[0].Neurons {
		cfg.Subnets[0].Neurons[i].Stake = []uint64{5, 1, 9, 9}[i]
	}
	w := newWorld(t, cfg)
	permits := func() string { return fmt.Sprint(w.read("SubtensorModule", "ValidatorPermit", netuid)) }
	w.blocks(19)
	if got := permits(); got != "[false true false false]" {
		t.Errorf("permits before the epoch: %s", got)
	}
	w.block()
	if got := permits(); got != "[false false true true]" {
		t.Errorf("permits after the epoch: %s", got)
	}
	if got := w.read("SubtensorModule", "SubnetEpochIndex", netuid); got != uint64(1) {
		t.Errorf("epoch %v", got)
	}
	w.blocks(20)
	if got := w.read("SubtensorModule", "LastEpochBlock", netuid); got != uint64(40) {
		t.Errorf("last epoch at %v", got)
	}
}

func TestServe(t *testing.T) {
	w := newWorld(t, config(t))
	args := func(port uint16) metadata.Args {
		return metadata.Args{
			"netuid": netuid, "version": 1, "ip": 0x7f000001, "port": port, "ip_type": 4, "protocol": 4, "placeholder1": 0, "placeholder2": 0,
		}
	}
	for _, c := range []struct {
		by   string
		port uint16
		want string
	}{{"//Stranger", 1, "Custom error: 10"}, {"//Miner", 0, "Custom error: 13"}, {"//Miner", 8091, ""}, {"//Miner", 8091, "Custom error: 12"}} {
		if got := w.do(key(t, c.by), "SubtensorModule", "serve_axon", args(c.port)); got != c.want {
			t.Errorf("%s: outcome %q, want %q", c.by, got, c.want)
		}
	}
	r, _ := w.read("SubtensorModule", "Axons", netuid, key(t, "//Miner").PublicKey()).(metadata.Record)
	if fmt.Sprint(r.Get("ip")) != "2130706433" || r.Get("port") != uint64(8091) {
		t.Errorf("axon %v", r)
	}
}

func TestStake(t *testing.T) {
	w := newWorld(t, config(t))
	w.fund("//Miner//cold", 1e12)
	cold, hotkey := key(t, "//Miner//cold"), key(t, "//Miner").PublicKey()
	before := w.state.Stake(netuid, hotkey)
	if got := w.do(cold, "SubtensorModule", "add_stake", metadata.Args{"hotkey": hotkey, "netuid": netuid, "amount_staked": 1_000_000_000}); got != "" {
		t.Fatal(got)
	}
	if got := w.state.Stake(netuid, hotkey) - before; got != 1e9 {
		t.Errorf("staked %d", got)
	}
	if got := w.do(cold, "SubtensorModule", "remove_stake", metadata.Args{"hotkey": hotkey, "netuid": netuid, "amount_unstaked": uint64(9e18)}); got != "SubtensorModule.NotEnoughStakeToWithdraw" {
		t.Errorf("outcome %q", got)
	}
	if got := w.do(cold, "SubtensorModule", "remove_stake", metadata.Args{"hotkey": hotkey, "netuid": netuid, "amount_unstaked": 1_000_000_000}); got != "" {
		t.Errorf("outcome %q", got)
	}
	if got := w.state.Stake(netuid, hotkey); got != before {
		t.Errorf("stake %d, want %d", got, before)
	}
}

// A subnet can be set up over the wire alone, as outside tests do.
func TestNetworkFromNothing(t *testing.T) {
	w := newWorld(t, runtime.Config{Start: start, BlockTime: config(t).BlockTime})
	alice, hotkey := key(t, "//Alice"), key(t, "//Alice//hot")
	if got := w.do(alice, "SubtensorModule", "register_network", metadata.Args{"hotkey": hotkey.PublicKey()}); got != "" {
		t.Fatal(got)
	}
	if got := w.do(alice, "SubtensorModule", "register_network", metadata.Args{"hotkey": hotkey.PublicKey()}); got != "SubtensorModule.NetworkTxRateLimitExceeded" {
		t.Errorf("outcome %q", got)
	}
	for call, args := range map[string]metadata.Args{
		"sudo_set_tempo":                          {"netuid": 1, "tempo": 10},
		"sudo_set_commit_reveal_weights_enabled":  {"netuid": 1, "enabled": false},
		"sudo_set_commit_reveal_weights_interval": {"netuid": 1, "interval": 2},
		"sudo_set_weights_set_rate_limit":         {"netuid": 1, "weights_set_rate_limit": 0},
		"sudo_set_network_rate_limit":             {"rate_limit": 0},
		"sudo_set_mechanism_count":                {"netuid": 1, "mechanism_count": 2},
	} {
		if got := w.do(alice, "Sudo", "sudo", w.sudo(call, args)); got != "" {
			t.Errorf("%s: outcome %q", call, got)
		}
		if e := w.deposited("Sudo", "Sudid"); len(e) != 1 || fmt.Sprint(e[0].Fields) != "[{sudo_result {Ok 0 [{ []}]}}]" {
			t.Errorf("%s: events %v", call, e)
		}
	}
	stake := metadata.Args{"hotkey": hotkey.PublicKey(), "netuid": 1, "amount_staked": 5}
	for _, c := range []struct {
		call string
		args metadata.Args
		want string
	}{
		{"add_stake", stake, "SubtensorModule.SubtokenDisabled"},
		{"start_call", metadata.Args{"netuid": 1}, ""},
		{"start_call", metadata.Args{"netuid": 1}, "SubtensorModule.FirstEmissionBlockNumberAlreadySet"},
		{"add_stake", stake, ""},
	} {
		if got := w.do(alice, "SubtensorModule", c.call, c.args); got != c.want {
			t.Errorf("%s: outcome %q, want %q", c.call, got, c.want)
		}
	}
	set := metadata.Args{"netuid": 1, "dests": []uint16{0}, "weights": []uint16{1}, "version_key": 0}
	if got := w.do(hotkey, "SubtensorModule", "set_weights", set); got != "" {
		t.Errorf("outcome %q", got)
	}
	if got := w.do(key(t, "//Miner"), "Sudo", "sudo", w.sudo("sudo_set_tempo", metadata.Args{"netuid": 1, "tempo": 10})); got != "Sudo.RequireSudo" {
		t.Errorf("outcome %q of a sudo by anybody", got)
	}
	if got := w.do(alice, "Sudo", "sudo", w.sudo("sudo_set_tempo", metadata.Args{"netuid": 5, "tempo": 10})); got != "" {
		t.Errorf("outcome %q", got)
	}
	if e := w.deposited("Sudo", "Sudid"); len(e) != 1 || fmt.Sprint(e[0].Fields)[:19] != "[{sudo_result {Err " {
		t.Errorf("events %v", e)
	}
}
