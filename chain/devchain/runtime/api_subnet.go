package runtime

import (
	"finest/chain/metadata"
)

// ofSubnet answers for the subnet of the arguments; nothing where there is none.
func ofSubnet(fields func(*query, uint16) map[string]any) apiFunc {
	return func(q *query, in metadata.Record) any {
		netuid := netuidOf(in)
		if !q.flag("NetworksAdded", netuid) {
			return nil
		}
		return q.cut(q.output, fields(q, netuid))
	}
}

// ofSubnets answers for all subnets.
func ofSubnets(fields func(*query, uint16) map[string]any) apiFunc {
	return func(q *query, _ metadata.Record) any {
		out := []any{}
		for _, netuid := range q.netuids() {
			out = append(out, fields(q, netuid))
		}
		return q.cut(q.output, out)
	}
}

// subnetFields holds the settings of a subnet under the names that SubnetInfo,
// SubnetHyperparams, DynamicInfo and Metagraph give them. Devchains have no pools
// and no emission of their own, so those of tokens are zero; what is not in the
// state has the value that a subnet of Subtensor begins with.
func (q *query) subnetFields(netuid uint16) map[string]any {
	num := func(item string) uint64 { return q.num(item, netuid) }
	owner := q.bytes("SubnetOwner", netuid)
	identity := q.subtensor("SubnetIdentitiesV3", netuid)
	return map[string]any{
		"netuid": netuid, "name": []byte{}, "subnet_name": []byte{},
		"symbol": q.bytes("TokenSymbol", netuid), "token_symbol": q.bytes("TokenSymbol", netuid),
		"identity": identity, "subnet_identity": identity,
		"owner": owner, "owner_coldkey": owner, "owner_hotkey": q.bytes("SubnetOwnerHotkey", netuid),
		"network_registered_at": num("NetworkRegisteredAt"), "network_modality": 0, "network_connect": []any{},
		"scaling_law_power": 50, // default of ScalingLawPower

		"block": q.block(), "tempo": num("Tempo"), "last_step": num("LastMechansimStepBlock"),
		"blocks_since_last_step": num("BlocksSinceLastStep"),

		"emission": 0, "emission_value": 0, "emission_values": 0, "subnet_emission": 0,
		"alpha_in": num("SubnetAlphaIn"), "alpha_out": num("SubnetAlphaOut"), "tao_in": num("SubnetTAO"),
		"alpha_out_emission": 0, "alpha_in_emission": 0, "tao_in_emission": 0,
		"pending_alpha_emission": 0, "pending_root_emission": 0, "subnet_volume": 0, "moving_price": 0,

		"rho": num("Rho"), "kappa": num("Kappa"),
		"min_allowed_weights": num("MinAllowedWeights"), "max_weights_limit": num("MaxWeightsLimit"),
		"weights_version": num("WeightsVersionKey"), "weights_rate_limit": num("WeightsSetRateLimit"),
		"activity_cutoff": num("ActivityCutoff"),
		"max_validators":  num("MaxAllowedValidators"), "max_allowed_validators": num("MaxAllowedValidators"),
		"num_uids": num("SubnetworkN"), "subnetwork_n": num("SubnetworkN"),
		"max_uids": num("MaxAllowedUids"), "max_allowed_uids": num("MaxAllowedUids"),

		"burn": num("Burn"), "min_burn": num("MinBurn"), "max_burn": num("MaxBurn"),
		"difficulty": num("Difficulty"), "min_difficulty": num("MinDifficulty"), "max_difficulty": num("MaxDifficulty"),
		"registration_allowed":     q.flag("NetworkRegistrationAllowed", netuid),
		"pow_registration_allowed": q.flag("NetworkPowRegistrationAllowed", netuid),
		"immunity_period":          num("ImmunityPeriod"),
		"adjustment_alpha":         num("AdjustmentAlpha"), "adjustment_interval": num("AdjustmentInterval"),
		"target_regs_per_interval": num("TargetRegistrationsPerInterval"),
		"max_regs_per_block":       num("MaxRegistrationsPerBlock"),
		"serving_rate_limit":       num("ServingRateLimit"),

		"commit_reveal_weights_enabled": q.flag("CommitRevealWeightsEnabled", netuid),
		"commit_reveal_period":          num("RevealPeriodEpochs"),
		"bonds_moving_avg":              num("BondsMovingAverage"),
		// Defaults of AlphaValues, AlphaSigmoidSteepness and the flags beside them.
		"liquid_alpha_enabled": false, "alpha_high": 58982, "alpha_low": 45875, "alpha_sigmoid_steepness": int64(1000) << 32,
		"yuma_version": 2, "subnet_is_active": true, "transfers_enabled": true,
		"bonds_reset_enabled": false, "user_liquidity_enabled": false,
	}
}

// hyperparamKinds are the entries of the list form of the settings, with the
// variant of HyperparamValue that holds each, after spec 424.
var hyperparamKinds = []struct{ name, kind string }{
	{"kappa", "U16"}, {"immunity_period", "U16"}, {"min_allowed_weights", "U16"}, {"max_weights_limit", "U16"},
	{"tempo", "U16"}, {"weights_version", "U64"}, {"weights_rate_limit", "U64"}, {"activity_cutoff", "U16"},
	{"registration_allowed", "Bool"}, {"target_regs_per_interval", "U16"}, {"min_burn", "TaoBalance"},
	{"max_burn", "TaoBalance"}, {"bonds_moving_avg", "U64"}, {"max_regs_per_block", "U16"},
	{"serving_rate_limit", "U64"}, {"max_validators", "U16"}, {"commit_reveal_period", "U64"},
	{"commit_reveal_weights_enabled", "Bool"}, {"alpha_high", "U16"}, {"alpha_low", "U16"},
	{"liquid_alpha_enabled", "Bool"}, {"alpha_sigmoid_steepness", "I32F32"}, {"yuma_version", "U16"},
	{"subnet_is_active", "Bool"}, {"transfers_enabled", "Bool"}, {"bonds_reset_enabled", "Bool"},
	{"user_liquidity_enabled", "Bool"},
}

func hyperparams(q *query, in metadata.Record) any {
	netuid := netuidOf(in)
	if !q.flag("NetworksAdded", netuid) {
		return nil
	}
	fields := q.subnetFields(netuid)
	var out []any
	for _, h := range hyperparamKinds {
		out = append(out, map[string]any{"name": []byte(h.name), "value": metadata.NewEnum(h.kind, fields[h.name])})
	}
	return out
}

// nextEpochStart is the block of the next epoch; none where tempo is 0.
func nextEpochStart(q *query, in metadata.Record) any {
	netuid := netuidOf(in)
	tempo := q.num("Tempo", netuid)
	if tempo == 0 || !q.flag("NetworksAdded", netuid) {
		return nil
	}
	next := q.num("LastEpochBlock", netuid) + tempo
	if pending := q.num("PendingEpochAt", netuid); pending > 0 {
		next = min(next, pending)
	}
	return next
}
