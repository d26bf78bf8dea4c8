package runtime

// dispatchables are the calls of the chain by Pallet.name. Those that are free
// need no balance (Pays::No).
var dispatchables map[string]dispatchable

func init() {
	dispatchables = map[string]dispatchable{
		"System.remark":                 {remark, false},
		"System.remark_with_event":      {remarkWithEvent, false},
		"Balances.transfer_allow_death": {transferCall(false), false},
		"Balances.transfer_keep_alive":  {transferCall(true), false},
		"Balances.transfer_all":         {transferAll, false},
		"Sudo.sudo":                     {sudo, true},

		"Commitments.set_commitment": {setCommitment, true},
		"Commitments.set_max_space":  {setMaxSpace, true},
	}
}
