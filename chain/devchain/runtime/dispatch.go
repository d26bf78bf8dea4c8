package runtime

// dispatchables are the calls of the chain by Pallet.name. It is set once, when
// the program starts: calls dispatch others.
var dispatchables map[string]dispatchable

func init() {
	paid := func(run func(*call) error) dispatchable { return dispatchable{run, false} }
	free := func(run func(*call) error) dispatchable { return dispatchable{run, true} }
	dispatchables = map[string]dispatchable{
		"System.remark":                 paid(remark),
		"System.remark_with_event":      paid(remarkWithEvent),
		"Balances.transfer_allow_death": paid(transferCall(false)),
		"Balances.transfer_keep_alive":  paid(transferCall(true)),
		"Balances.transfer_all":         paid(transferAll),
		"Sudo.sudo":                     free(sudo),

		"Commitments.set_commitment": free(setCommitment),
		"Commitments.set_max_space":  free(setMaxSpace),

		"SubtensorModule.set_weights":                         free(setWeights),
		"SubtensorModule.set_mechanism_weights":               free(setWeights),
		"SubtensorModule.batch_set_weights":                   free(batchSetWeights),
		"SubtensorModule.commit_weights":                      free(commitWeights),
		"SubtensorModule.commit_mechanism_weights":            free(commitWeights),
		"SubtensorModule.batch_commit_weights":                free(batchCommitWeights),
		"SubtensorModule.reveal_weights":                      free(revealWeights),
		"SubtensorModule.reveal_mechanism_weights":            free(revealWeights),
		"SubtensorModule.batch_reveal_weights":                free(batchRevealWeights),
		"SubtensorModule.commit_timelocked_weights":           free(commitTimelocked),
		"SubtensorModule.commit_timelocked_mechanism_weights": free(commitTimelocked),
		"SubtensorModule.commit_crv3_mechanism_weights":       free(commitCRV3),
		"SubtensorModule.serve_axon":                          free(serveAxon),
		"SubtensorModule.serve_axon_tls":                      free(serveAxon),
		"SubtensorModule.serve_prometheus":                    free(servePrometheus),
		"SubtensorModule.burned_register":                     paid(burnedRegister),
		"SubtensorModule.register_limit":                      paid(burnedRegister),
		"SubtensorModule.register_network":                    paid(registerNetwork),
		"SubtensorModule.start_call":                          paid(startCall),
		"SubtensorModule.add_stake":                           paid(addStake),
		"SubtensorModule.remove_stake":                        paid(removeStake),

		"AdminUtils.sudo_set_tempo":                          paid(rootOnly(adminSet(tempo, "tempo", "TempoSet", (*call).u16))),
		"AdminUtils.sudo_set_commit_reveal_weights_enabled":  paid(adminSet(commitRevealEnabled, "enabled", "CommitRevealEnabled", (*call).bool)),
		"AdminUtils.sudo_set_commit_reveal_weights_interval": paid(setRevealPeriod),
		"AdminUtils.sudo_set_mechanism_count":                paid(setMechanismCount),
		"AdminUtils.sudo_set_weights_set_rate_limit":         paid(rootOnly(adminSet(weightsRateLimit, "weights_set_rate_limit", "WeightsSetRateLimitSet", (*call).u64))),
		"AdminUtils.sudo_set_weights_version_key":            paid(adminSet(weightsVersionKey, "weights_version_key", "WeightsVersionKeySet", (*call).u64)),
		"AdminUtils.sudo_set_min_allowed_weights":            paid(adminSet(minAllowedWeights, "min_allowed_weights", "MinAllowedWeightSet", (*call).u16)),
		"AdminUtils.sudo_set_max_allowed_uids":               paid(rootOnly(adminSet(maxAllowedUIDs, "max_allowed_uids", "MaxAllowedUidsSet", (*call).u16))),
		"AdminUtils.sudo_set_max_allowed_validators":         paid(rootOnly(adminSet(maxValidators, "max_allowed_validators", "MaxAllowedValidatorsSet", (*call).u16))),
		"AdminUtils.sudo_set_immunity_period":                paid(adminSet(immunityPeriod, "immunity_period", "ImmunityPeriodSet", (*call).u16)),
		"AdminUtils.sudo_set_network_registration_allowed":   paid(rootOnly(adminSet(registrationAllowed, "registration_allowed", "RegistrationAllowed", (*call).bool))),
		"AdminUtils.sudo_set_network_rate_limit":             paid(adminGlobal(networkRateLimit, "rate_limit", "NetworkRateLimitSet", (*call).u64)),
		"AdminUtils.sudo_set_stake_threshold":                paid(adminGlobal(stakeThreshold, "min_stake", "StakeThresholdSet", (*call).u64)),
		"AdminUtils.sudo_set_commit_reveal_version":          paid(adminGlobal(commitRevealVersion, "version", "CommitRevealVersionSet", (*call).u16)),
	}
}
