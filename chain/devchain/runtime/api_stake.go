package runtime

import (
	"finest/chain/metadata"
)

// stakeOfHotkey tells what a coldkey staked to a hotkey on a subnet: all of the
// hotkey's stake if it owns the hotkey, else nothing.
func stakeOfHotkey(q *query, in metadata.Record) any {
	hotkey, _ := in.Get("hotkey_account").([]byte)
	coldkey, _ := in.Get("coldkey_account").([]byte)
	netuid := netuidOf(in)
	if string(q.bytes("Owner", hotkey)) != string(coldkey) {
		return nil
	}
	return q.stake(hotkey, coldkey, netuid)
}

func (q *query) stake(hotkey, coldkey []byte, netuid uint16) map[string]any {
	return map[string]any{
		"hotkey": hotkey, "coldkey": coldkey, "netuid": netuid,
		"stake": q.num("TotalHotkeyAlpha", hotkey, netuid), "locked": 0, "emission": 0, "tao_emission": 0, "drain": 0,
		"is_registered": q.flag("IsNetworkMember", hotkey, netuid),
	}
}

func stakeOfColdkey(q *query, in metadata.Record) any {
	coldkey, _ := in.Get("coldkey_account").([]byte)
	return q.stakes(coldkey)
}

func stakeOfColdkeys(q *query, in metadata.Record) any {
	out := []any{}
	coldkeys, _ := in.Get("coldkey_accounts").([]any)
	for _, c := range coldkeys {
		coldkey, _ := c.([]byte)
		out = append(out, []any{coldkey, q.stakes(coldkey)})
	}
	return out
}

// stakes lists where the hotkeys of a coldkey have stake.
func (q *query) stakes(coldkey []byte) []any {
	out := []any{}
	hotkeys, _ := q.subtensor("OwnedHotkeys", coldkey).([]any)
	for _, h := range hotkeys {
		hotkey, _ := h.([]byte)
		for _, netuid := range q.netuids() {
			if q.num("TotalHotkeyAlpha", hotkey, netuid) > 0 {
				out = append(out, q.stake(hotkey, coldkey, netuid))
			}
		}
	}
	return out
}
