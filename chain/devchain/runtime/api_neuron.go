package runtime

import (
	"finest/chain/metadata"
)

// neurons answers NeuronInfo and NeuronInfoLite: an empty list where there is no
// such subnet.
func neurons(q *query, in metadata.Record) any {
	netuid := netuidOf(in)
	out := []any{}
	lists := q.columns(netuid, netuid)
	for uid := range lists.n {
		out = append(out, q.neuron(netuid, uid, lists))
	}
	return q.cut(q.output, out)
}

func neuron(q *query, in metadata.Record) any {
	netuid, uid := netuidOf(in), argument(in, "uid")
	lists := q.columns(netuid, netuid)
	if uid >= uint64(lists.n) {
		return nil
	}
	return q.cut(q.output, q.neuron(netuid, int(uid), lists))
}

// columns are the properties of the neurons of a subnet that the state holds as
// lists by uid, all of length n.
type columns struct {
	n                                     int
	active, permits                       []bool
	emission, lastUpdate                  []uint64
	incentive, consensus, trust, dividend []uint64
}

// columns reads them; those that each mechanism has of its own lie under index.
func (q *query) columns(netuid, index uint16) columns {
	n := int(q.num("SubnetworkN", netuid))
	return columns{
		n:          n,
		active:     column[bool](q, "Active", n, netuid),
		permits:    column[bool](q, "ValidatorPermit", n, netuid),
		emission:   column[uint64](q, "Emission", n, netuid),
		lastUpdate: column[uint64](q, "LastUpdate", n, index),
		incentive:  column[uint64](q, "Incentive", n, index),
		consensus:  column[uint64](q, "Consensus", n, netuid),
		trust:      column[uint64](q, "ValidatorTrust", n, netuid),
		dividend:   column[uint64](q, "Dividends", n, netuid),
	}
}

func (q *query) neuron(netuid uint16, uid int, lists columns) map[string]any {
	hotkey := q.bytes("Keys", netuid, uid)
	coldkey := q.bytes("Owner", hotkey)
	return map[string]any{
		"hotkey": hotkey, "coldkey": coldkey, "uid": uid, "netuid": netuid,
		"active":           lists.active[uid],
		"axon_info":        q.endpoint("Axons", netuid, hotkey),
		"prometheus_info":  q.endpoint("Prometheus", netuid, hotkey),
		"stake":            []any{[]any{coldkey, q.num("TotalHotkeyAlpha", hotkey, netuid)}},
		"rank":             0,
		"emission":         lists.emission[uid],
		"incentive":        lists.incentive[uid],
		"consensus":        lists.consensus[uid],
		"trust":            0,
		"validator_trust":  lists.trust[uid],
		"dividends":        lists.dividend[uid],
		"last_update":      lists.lastUpdate[uid],
		"validator_permit": lists.permits[uid],
		"weights":          q.pairs("Weights", netuid, uid),
		"bonds":            q.pairs("Bonds", netuid, uid),
		"pruning_score":    0,
	}
}

// pairs are weights or bonds.
func (q *query) pairs(item string, netuid uint16, uid int) any {
	list, _ := q.subtensor(item, netuid, uid).([]any)
	return list
}

// endpoint is what a hotkey serves, of zeros where it serves nothing.
func (q *query) endpoint(item string, netuid uint16, hotkey []byte) any {
	if v, ok := q.subtensor(item, netuid, hotkey).(metadata.Record); ok {
		return v
	}
	v := map[string]any{"block": 0, "version": 0, "ip": 0, "port": 0, "ip_type": 0}
	if item == "Axons" {
		v["protocol"], v["placeholder1"], v["placeholder2"] = 0, 0, 0
	}
	return v
}
