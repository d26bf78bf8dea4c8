package conformance

import (
	"testing"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/wallet"
)

// endowment is what each hotkey gets, in rao: some runtimes take no transaction of
// an account that owns nothing.
const endowment = 1e9

// subnet is one that the suite made. Its owner, uid 0, needs no permit and no stake
// to set weights.
type subnet struct {
	id    uint16
	owner *wallet.Hotkey
	// hotkeys have the uids 1, 2, … and neither permit nor stake.
	hotkeys []*wallet.Hotkey
	// stranger is not registered.
	stranger *wallet.Hotkey
}

// tempo of new subnets, in blocks: so long that no epoch ends within a test.
const tempo = 2000

// newSubnet makes a subnet over the wire, with commit-reveal off and nothing
// limited.
func (n *node) newSubnet(t *testing.T, name string, hotkeys int) subnet {
	t.Helper()
	// Where a limit cannot be lifted the next calls may fail, and say why.
	_ = n.sudo(t, "sudo_set_network_rate_limit", metadata.Args{"rate_limit": 0})
	s := subnet{owner: n.key(t, name+" owner"), stranger: n.key(t, name+" stranger")}
	in, err := n.try(t, n.alice, "SubtensorModule", "register_network", metadata.Args{"hotkey": s.owner.PublicKey()})
	if err != nil {
		t.Skipf("//Alice cannot make a subnet on this node: %v", err)
	}
	s.id = uint16(in.event(t, "SubtensorModule", "NetworkAdded").Fields[0].Value.(uint64))
	n.set(t, "sudo_set_tempo", metadata.Args{"netuid": s.id, "tempo": tempo})
	n.set(t, "sudo_set_commit_reveal_weights_enabled", metadata.Args{"netuid": s.id, "enabled": false})
	n.rateLimit(t, s, 0)
	for call, args := range map[string]metadata.Args{
		"sudo_set_max_registrations_per_block":       {"max_registrations_per_block": 100},
		"sudo_set_target_registrations_per_interval": {"target_registrations_per_interval": 100},
		"sudo_set_network_registration_allowed":      {"registration_allowed": true},
		"sudo_set_weights_version_key":               {"weights_version_key": 0},
		"sudo_set_min_allowed_weights":               {"min_allowed_weights": 1},
	} {
		args["netuid"] = s.id
		_ = n.sudo(t, call, args) // as above
	}
	for i := range hotkeys {
		s.hotkeys = append(s.hotkeys, n.key(t, name+" "+string(rune('a'+i))))
		n.register(t, s, s.hotkeys[i])
	}
	n.endow(t, append([]*wallet.Hotkey{s.owner, s.stranger}, s.hotkeys...)...)
	return s
}

func (n *node) rateLimit(t *testing.T, s subnet, blocks int) {
	t.Helper()
	n.set(t, "sudo_set_weights_set_rate_limit", metadata.Args{"netuid": s.id, "weights_set_rate_limit": blocks})
}

func (n *node) register(t *testing.T, s subnet, hotkey *wallet.Hotkey) included {
	t.Helper()
	return n.do(t, n.alice, "SubtensorModule", "burned_register", metadata.Args{"netuid": s.id, "hotkey": hotkey.PublicKey()})
}

func (n *node) endow(t *testing.T, keys ...*wallet.Hotkey) {
	t.Helper()
	for _, k := range keys {
		n.do(t, n.alice, "Balances", "transfer_keep_alive", metadata.Args{"dest": metadata.NewEnum("Id", k.PublicKey()), "value": uint64(endowment)})
	}
}

// commitmentArgs are the arguments of a commitment with these fields.
func (s subnet) commitmentArgs(fields ...metadata.Enum) metadata.Args {
	return metadata.Args{"netuid": s.id, "info": fields}
}

// weightArgs are the arguments of set_weights, without a version key.
func (s subnet) weightArgs(weights ...chain.Weight) metadata.Args {
	args := metadata.Args{"netuid": s.id, "version_key": 0}
	args["dests"], args["weights"] = columns(weights)
	return args
}

func columns(weights []chain.Weight) (uids, values []uint16) {
	uids, values = []uint16{}, []uint16{}
	for _, w := range weights {
		uids, values = append(uids, w.UID), append(values, w.Value)
	}
	return uids, values
}

func with(args metadata.Args, name string, value any) metadata.Args {
	args[name] = value
	return args
}
