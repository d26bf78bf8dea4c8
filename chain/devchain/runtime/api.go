package runtime

import (
	"fmt"
	"strings"

	"finest/chain/metadata"
)

// UnknownAPIError says that a runtime has no such runtime API.
type UnknownAPIError struct{ Method string }

func (e *UnknownAPIError) Error() string {
	return fmt.Sprintf("runtime API %s is not in this runtime", e.Method)
}

// Call answers a runtime API: method is Trait_name, args are its SCALE arguments
// one after the other, and the answer is SCALE too. It leaves the state as it is.
// A method that the runtime lacks is an *UnknownAPIError.
func (r *Runtime) Call(s *State, method string, args []byte) ([]byte, error) {
	trait, name, _ := strings.Cut(method, "_")
	m, err := r.meta.APIMethod(trait, name)
	answer, ok := apis[method]
	if err != nil || !ok {
		return nil, &UnknownAPIError{Method: method}
	}
	in, err := m.DecodeArgs(args)
	if err != nil {
		return nil, fmt.Errorf("read arguments of %s: %w", method, err)
	}
	q := &query{r: r, s: s, output: m.Output}
	out := answer(q, in)
	if q.err != nil {
		return nil, fmt.Errorf("answer %s: %w", method, q.err)
	}
	b, err := m.EncodeResult(out)
	if err != nil {
		return nil, fmt.Errorf("write answer of %s: %w", method, err)
	}
	return b, nil
}

// apiFunc answers a runtime API from a state. What it returns is encoded as the
// metadata says; a map with more entries than the type has fields is cut down to
// those, so that several types are answered from one map.
type apiFunc func(q *query, in metadata.Record) any

// apis holds an answer for every method of schema/api.txt.
var apis = map[string]apiFunc{
	"Core_version":                 coreVersion,
	"Metadata_metadata":            metadataOldest,
	"Metadata_metadata_at_version": metadataAt,
	"Metadata_metadata_versions":   metadataVersions,
	"AuraApi_slot_duration":        slotDuration,

	"AccountNonceApi_account_nonce":                    accountNonce,
	"TransactionPaymentApi_query_info":                 feeInfo,
	"TransactionPaymentApi_query_fee_details":          feeDetails,
	"TransactionPaymentApi_query_weight_to_fee":        noFee,
	"TransactionPaymentApi_query_length_to_fee":        lengthFee,
	"TransactionPaymentCallApi_query_call_info":        feeInfo,
	"TransactionPaymentCallApi_query_call_fee_details": feeDetails,
	"TransactionPaymentCallApi_query_weight_to_fee":    noFee,
	"TransactionPaymentCallApi_query_length_to_fee":    lengthFee,

	"NeuronInfoRuntimeApi_get_neurons":      neurons,
	"NeuronInfoRuntimeApi_get_neuron":       neuron,
	"NeuronInfoRuntimeApi_get_neurons_lite": neurons,
	"NeuronInfoRuntimeApi_get_neuron_lite":  neuron,

	"SubnetInfoRuntimeApi_get_subnet_info":               ofSubnet((*query).subnetFields),
	"SubnetInfoRuntimeApi_get_subnets_info":              ofSubnets((*query).subnetFields),
	"SubnetInfoRuntimeApi_get_subnet_info_v2":            ofSubnet((*query).subnetFields),
	"SubnetInfoRuntimeApi_get_subnets_info_v2":           ofSubnets((*query).subnetFields),
	"SubnetInfoRuntimeApi_get_subnet_hyperparams":        ofSubnet((*query).subnetFields),
	"SubnetInfoRuntimeApi_get_subnet_hyperparams_v2":     ofSubnet((*query).subnetFields),
	"SubnetInfoRuntimeApi_get_subnet_hyperparams_v3":     hyperparams,
	"SubnetInfoRuntimeApi_get_dynamic_info":              ofSubnet((*query).subnetFields),
	"SubnetInfoRuntimeApi_get_all_dynamic_info":          ofSubnets((*query).subnetFields),
	"SubnetInfoRuntimeApi_get_metagraph":                 ofSubnet((*query).metagraph),
	"SubnetInfoRuntimeApi_get_all_metagraphs":            ofSubnets((*query).metagraph),
	"SubnetInfoRuntimeApi_get_mechagraph":                mechagraph,
	"SubnetInfoRuntimeApi_get_all_mechagraphs":           mechagraphs,
	"SubnetInfoRuntimeApi_get_selective_metagraph":       selectiveMetagraph,
	"SubnetInfoRuntimeApi_get_selective_mechagraph":      selectiveMetagraph,
	"SubnetInfoRuntimeApi_get_subnet_state":              ofSubnet((*query).metagraph),
	"SubnetInfoRuntimeApi_get_next_epoch_start_block":    nextEpochStart,
	"SubnetInfoRuntimeApi_get_coldkey_auto_stake_hotkey": none,
	"SubnetInfoRuntimeApi_get_subnet_to_prune":           none,
	"SubnetInfoRuntimeApi_get_subnet_account_id":         none,

	"StakeInfoRuntimeApi_get_stake_info_for_coldkey":               stakeOfColdkey,
	"StakeInfoRuntimeApi_get_stake_info_for_coldkeys":              stakeOfColdkeys,
	"StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid": stakeOfHotkey,

	"SubnetRegistrationRuntimeApi_get_network_registration_cost": networkCost,
	"SwapRuntimeApi_current_alpha_price":                         alphaPrice,
	"SwapRuntimeApi_current_alpha_price_all":                     alphaPrices,
	"SwapRuntimeApi_sim_swap_tao_for_alpha":                      swapped,
	"SwapRuntimeApi_sim_swap_alpha_for_tao":                      swapped,
}

// none answers what a devchain never has: accounts of subnets, stake that moves by
// itself, subnets that give way to others.
func none(*query, metadata.Record) any { return nil }
