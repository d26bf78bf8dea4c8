package subtensor

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/rpc"
)

// RefusedError is an extrinsic that the chain refused, in its pool or in a
// block. It unwraps to the error of package chain that it means.
type RefusedError struct {
	// Name of the refusal: "SubtensorModule.SettingWeightsTooFast", "BadOrigin",
	// "RateLimitExceeded (pool, custom error 6)".
	Name string
	// Detail is what the runtime says about it; may be empty.
	Detail string
	// Err is chain.ErrNotRegistered and so on, chain.ErrRejected where no other
	// fits.
	Err error
}

func (e *RefusedError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%s: %v", e.Name, e.Err)
	}
	return fmt.Sprintf("%s (%s): %v", e.Name, e.Detail, e.Err)
}

// Unwrap returns the error of package chain.
func (e *RefusedError) Unwrap() error { return e.Err }

// Refusals of the pool that say nothing against the extrinsic itself.
var (
	// errDuplicate: the pool holds this very extrinsic.
	errDuplicate = fmt.Errorf("the pool holds the extrinsic already: %w", chain.ErrRejected)
	// errPriority: the pool holds another extrinsic with this nonce.
	errPriority = fmt.Errorf("the pool holds another extrinsic of this key: %w", chain.ErrRejected)
	// errTooFast becomes a chain.RateLimitError where the block is known.
	errTooFast = fmt.Errorf("too soon after the last one: %w", chain.ErrRejected)
)

// moduleErrors are the errors of pallets that callers tell apart, by name:
// indices move from one runtime to the next.
var moduleErrors = map[string]error{
	"SubtensorModule.HotKeyNotRegisteredInSubNet":  chain.ErrNotRegistered,
	"SubtensorModule.HotKeyNotRegisteredInNetwork": chain.ErrNotRegistered,
	"SubtensorModule.NotEnoughStakeToSetWeights":   chain.ErrLowStake,
	"SubtensorModule.NeuronNoValidatorPermit":      chain.ErrNoPermit,
	"SubtensorModule.IncorrectWeightVersionKey":    chain.ErrVersionKey,
	"SubtensorModule.CommitRevealEnabled":          chain.ErrCommitReveal,
	"SubtensorModule.CommitRevealDisabled":         chain.ErrCommitReveal,
	"SubtensorModule.SettingWeightsTooFast":        errTooFast,
	"SubtensorModule.CommittingWeightsTooFast":     errTooFast,
	"Commitments.AccountNotAllowedCommit":          chain.ErrNotRegistered,
	"Commitments.SpaceLimitExceeded":               chain.ErrSpaceLimit,
}

// dispatchError names the dispatch error v, as decoded from ExtrinsicFailed.
func dispatchError(m *metadata.Metadata, v any) error {
	named := m.DispatchError(v)
	name := named.String()
	return &RefusedError{Name: name, Detail: strings.TrimSpace(named.Docs), Err: cmp.Or(moduleErrors[name], chain.ErrRejected)}
}

// Codes of JSON-RPC errors of author_submitExtrinsic and
// author_submitAndWatchExtrinsic (sc-rpc-api, author/error.rs).
const (
	codeVerification    = 1002
	codeInvalid         = 1010
	codeUnknownValidity = 1011
	codeBanned          = 1012
	codeImported        = 1013
	codePriority        = 1014
	codeDropped         = 1016
)

// poolNames are their names there; codeInvalid gives its reason in the data.
var poolNames = map[int]string{
	codeVerification: "Verification", codeUnknownValidity: "UnknownValidity", codeBanned: "TemporarilyBanned",
	codeImported: "AlreadyImported", codePriority: "TooLowPriority", codeDropped: "ImmediatelyDropped",
}

// Numbers of "Custom error: N" that mean an error of package chain.
const (
	customPrefix        = "Custom error:"
	customStakeTooLow   = 1 // stands for NotEnoughStakeToSetWeights
	customRateLimit     = 6
	customNotRegistered = 10
	customNoUID         = 19
)

// customErrors names the numbers of "Custom error: N" (CustomTransactionError of
// subtensor, spec 425).
var customErrors = map[int]string{
	0: "ColdkeyInSwapSchedule", customStakeTooLow: "StakeAmountTooLow", 2: "BalanceTooLow", 3: "SubnetNotExists",
	4: "HotkeyAccountDoesntExist", 5: "NotEnoughStakeToWithdraw", customRateLimit: "RateLimitExceeded", 7: "InsufficientLiquidity",
	8: "SlippageTooHigh", 9: "TransferDisallowed", customNotRegistered: "HotKeyNotRegisteredInNetwork", 11: "InvalidIpAddress",
	12: "ServingRateLimitExceeded", 13: "InvalidPort", 14: "ZeroMaxAmount", 15: "InvalidRevealRound", 16: "CommitNotFound",
	17: "CommitBlockNotInRevealRange", 18: "InputLengthsUnequal", customNoUID: "UidNotFound", 20: "EvmKeyAssociateRateLimitExceeded",
	21: "ColdkeySwapDisputed", 22: "InvalidRealAccount", 23: "FailedShieldedTxParsing", 24: "InvalidShieldedTxPubKeyHash",
	25: "NonAssociatedColdKey", 26: "DelegateTakeTooLow", 27: "DelegateTakeTooHigh", 255: "BadRequest",
}

var customMeanings = map[int]error{
	customStakeTooLow:   chain.ErrLowStake,
	customRateLimit:     errTooFast,
	customNotRegistered: chain.ErrNotRegistered,
	customNoUID:         chain.ErrNotRegistered,
}

// invalidReasons are found in the text of codeInvalid
// (sp_runtime::transaction_validity).
var invalidReasons = []struct {
	text, name string
	meaning    error
}{
	{"outdated", "Stale", chain.ErrOutdated}, // its nonce is used, or its era is over
	{"ancient birth", "AncientBirthBlock", chain.ErrOutdated},
	// Also what was signed for another runtime, or for a block of another fork.
	{"bad signature", "BadProof", chain.ErrOutdated},
	{"valid in the future", "Future", chain.ErrRejected},
	{"pay some fees", "Payment", chain.ErrRejected},
	{"exhaust the block limits", "ExhaustsResources", chain.ErrRejected},
	{"call is not expected", "Call", chain.ErrRejected},
}

// poolError names a refusal by the transaction pool.
func poolError(e *rpc.Error) error {
	text := strings.TrimSpace(e.Message + ": " + e.Text())
	refused := &RefusedError{Name: fmt.Sprintf("error %d of the pool", e.Code), Detail: text, Err: chain.ErrRejected}
	if name := poolNames[e.Code]; name != "" {
		refused.Name = fmt.Sprintf("%s (pool, %d)", name, e.Code)
	}
	switch e.Code {
	case codeInvalid:
		refused.Name, refused.Err = invalidReason(text)
	case codeImported:
		refused.Err = errDuplicate
	case codePriority:
		refused.Err = errPriority
	}
	return refused
}

// invalidReason names what the text of codeInvalid says.
func invalidReason(text string) (name string, meaning error) {
	if _, after, found := strings.Cut(text, customPrefix); found {
		after = strings.TrimSpace(after)
		n, err := strconv.Atoi(after[:len(after)-len(strings.TrimLeft(after, "0123456789"))])
		if name, known := customErrors[n]; known && err == nil {
			return fmt.Sprintf("%s (pool, custom error %d)", name, n), cmp.Or(customMeanings[n], chain.ErrRejected)
		}
	}
	for _, r := range invalidReasons {
		if strings.Contains(text, r.text) {
			return r.name + " (pool)", r.meaning
		}
	}
	return "Invalid (pool)", chain.ErrRejected
}
