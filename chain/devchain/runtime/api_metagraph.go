package runtime

import (
	"finest/chain/metadata"
)

// metagraph holds a subnet with its neurons, one list for each property.
func (q *query) metagraph(netuid uint16) map[string]any { return q.mechanism(netuid, 0) }

func mechagraph(q *query, in metadata.Record) any {
	netuid, mech := netuidOf(in), argument(in, "mecid")
	if !q.hasMechanism(netuid, mech) {
		return nil
	}
	return q.cut(q.output, q.mechanism(netuid, uint16(mech)))
}

func mechagraphs(q *query, _ metadata.Record) any {
	out := []any{}
	for _, netuid := range q.netuids() {
		for mech := range q.num("MechanismCountCurrent", netuid) {
			out = append(out, q.mechanism(netuid, uint16(mech)))
		}
	}
	return q.cut(q.output, out)
}

func (q *query) hasMechanism(netuid uint16, mech uint64) bool {
	return q.flag("NetworksAdded", netuid) && mech < q.num("MechanismCountCurrent", netuid)
}

// mechanism is the metagraph of one mechanism. Clients tell the mechanism by the
// netuid in it, which is the storage index.
func (q *query) mechanism(netuid, mech uint16) map[string]any {
	index := mech*mechanismStride + netuid
	lists := q.columns(netuid, index)
	zeros := make([]uint64, lists.n)

	fields := q.subnetFields(netuid)
	for name, list := range map[string]any{
		"netuid": index, "active": lists.active, "validator_permit": lists.permits,
		"pruning_score": zeros, "trust": zeros, "rank": zeros,
		"last_update": lists.lastUpdate, "incentives": lists.incentive,
		"emission": lists.emission, "dividends": lists.dividend, "consensus": lists.consensus,
		"tao_dividends_per_hotkey": []any{}, "alpha_dividends_per_hotkey": []any{}, "emission_history": []any{},
	} {
		fields[name] = list
	}

	var hotkeys, coldkeys, identities, axons, commitments []any
	var registered, alpha, tao, total, validators []uint64
	for uid := range lists.n {
		hotkey := q.bytes("Keys", netuid, uid)
		hotkeys = append(hotkeys, hotkey)
		coldkeys = append(coldkeys, q.bytes("Owner", hotkey))
		identities = append(identities, nil)
		axons = append(axons, q.endpoint("Axons", netuid, hotkey))
		registered = append(registered, q.num("BlockAtRegistration", netuid, uid))
		stake := q.num("TotalHotkeyAlpha", hotkey, netuid)
		alpha, total, tao = append(alpha, stake), append(total, stake), append(tao, 0)
		if lists.permits[uid] {
			validators = append(validators, uint64(uid))
		}
		if raw, _ := q.raw("Commitments", "CommitmentOf", netuid, hotkey); raw != nil {
			commitments = append(commitments, []any{hotkey, raw})
		}
	}
	for name, list := range map[string]any{
		"hotkeys": hotkeys, "coldkeys": coldkeys, "identities": identities, "axons": axons,
		"block_at_registration": registered, "alpha_stake": alpha, "tao_stake": tao, "total_stake": total,
		"validators": validators, "commitments": commitments,
	} {
		fields[name] = list
	}
	return fields
}

// selectiveMetagraph fills in the fields whose numbers are asked for; the netuid
// is always there.
func selectiveMetagraph(q *query, in metadata.Record) any {
	netuid, mech := netuidOf(in), argument(in, "subid")
	if !q.hasMechanism(netuid, mech) {
		return nil
	}
	wanted := map[uint64]bool{0: true}
	indexes, _ := in.Get("metagraph_indexes").([]any)
	for _, i := range indexes {
		n, _ := i.(uint64)
		wanted[n] = true
	}
	all := q.mechanism(netuid, uint16(mech))
	out := map[string]any{}
	option := q.r.meta.Types[q.output]
	for i, f := range q.r.meta.Types[option.Params[0].Type].Fields {
		switch {
		case !wanted[uint64(i)] && f.Name == "identity":
			out[f.Name] = metadata.NewEnum("None")
		case !wanted[uint64(i)]:
			out[f.Name] = nil
		case f.Name == "identity":
			out[f.Name] = metadata.NewEnum("Some", all[f.Name])
		default:
			out[f.Name] = all[f.Name]
		}
	}
	return out
}
