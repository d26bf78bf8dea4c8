package runtime

import (
	"finest/chain/extrinsic"
	"finest/chain/metadata"
	"finest/chain/scale"
)

// formats are the versions of metadata that the runtime writes itself in.
var formats = []uint64{14, 15, 16}

func coreVersion(q *query, _ metadata.Record) any {
	v, err := q.r.meta.ConstantValue("System", "Version")
	if err != nil {
		q.err = err
	}
	return v
}

func metadataOldest(q *query, _ metadata.Record) any {
	b, err := q.r.meta.Encode(int(formats[0]))
	if err != nil {
		q.err = err
	}
	return b
}

func metadataAt(q *query, in metadata.Record) any {
	version := argument(in, "version")
	for _, f := range formats {
		if f == version {
			b, err := q.r.meta.Encode(int(f))
			if err != nil {
				q.err = err
			}
			return b
		}
	}
	return nil
}

func metadataVersions(*query, metadata.Record) any { return formats }

// slotDuration is the time between blocks in milliseconds.
func slotDuration(q *query, _ metadata.Record) any {
	v, err := q.r.meta.ConstantValue("Aura", "SlotDuration")
	if err != nil {
		q.err = err
	}
	return v
}

func accountNonce(q *query, in metadata.Record) any {
	account, _ := q.get("System", "Account", in.Get("account")).(metadata.Record)
	return account.Get("nonce")
}

// feeInfo tells what an extrinsic or a call of this length costs.
func feeInfo(q *query, in metadata.Record) any {
	return map[string]any{
		"weight":      map[string]any{"ref_time": 0, "proof_size": 0},
		"class":       "Normal",
		"partial_fee": q.fee(in),
	}
}

func feeDetails(q *query, in metadata.Record) any {
	return map[string]any{
		"inclusion_fee": map[string]any{"base_fee": 0, "len_fee": q.fee(in), "adjusted_weight_fee": 0},
		"tip":           0,
	}
}

func noFee(*query, metadata.Record) any { return 0 }

func lengthFee(_ *query, in metadata.Record) any { return Fee(int(argument(in, "length"))) }

// fee is that of a call, or of the call in an extrinsic; one that cannot be read
// pays for its bytes.
func (q *query) fee(in metadata.Record) uint64 {
	name := ""
	if pallet, ok := in.Get("call").(metadata.Enum); ok && len(pallet.Fields) == 1 {
		call, _ := pallet.Fields[0].Value.(metadata.Enum)
		name = pallet.Name + "." + call.Name
	}
	if body, ok := in.Get("uxt").([]byte); ok {
		xt, err := extrinsic.Decode(q.r.meta, scale.AppendBytes(nil, body))
		if err == nil {
			if call, err := q.r.meta.DecodeCall(xt.Call); err == nil {
				name = call.Pallet + "." + call.Name
			}
		}
	}
	if dispatchables[name].free {
		return 0
	}
	return Fee(int(argument(in, "len")))
}

// networkCost is what the registration of the next subnet locks.
func networkCost(q *query, _ metadata.Record) any { return q.num("NetworkMinLockCost") }

// rao is one token, and the price of one alpha: a devchain has no pools, so that
// stake is worth what was paid for it.
const rao = 1_000_000_000

func alphaPrice(*query, metadata.Record) any { return rao }

func alphaPrices(q *query, _ metadata.Record) any {
	var out []any
	for _, netuid := range q.netuids() {
		out = append(out, map[string]any{"netuid": netuid, "price": rao})
	}
	return out
}

// swapped tells what a swap of tokens for alpha, or back, would give.
func swapped(_ *query, in metadata.Record) any {
	amount := argument(in, "tao") + argument(in, "alpha") // one of them is given
	return map[string]any{
		"tao_amount": amount, "alpha_amount": amount,
		"tao_fee": 0, "alpha_fee": 0, "tao_slippage": 0, "alpha_slippage": 0,
	}
}
