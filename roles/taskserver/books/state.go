package books

import (
	"slices"
	"strconv"
	"strings"

	"finest/internal/contract"
)

// stateIndex is a place in contract.TaskStates.
type stateIndex uint8

const (
	available stateIndex = iota
	leased
	submitted
	accepted
	rejected
	quarantined
)

func stateOf(name string) (stateIndex, bool) {
	i := slices.Index(contract.TaskStates[:], name)
	return stateIndex(max(i, 0)), i >= 0
}

func (s stateIndex) String() string { return contract.TaskStates[s] }

// States of leases.
const (
	leaseLive uint8 = iota
	leaseReleased
	leaseExpired
	leaseSubmitted
)

var leaseStates = [...]string{contract.LeaseLive, contract.LeaseReleased, contract.LeaseExpired, contract.LeaseSubmitted}

// What became of excuses.
const (
	excuseNone uint8 = iota
	excusePending
	excuseConfirmed
	excuseRefuted
)

var excuseStates = [...]string{"", "pending", "confirmed", "refuted"}

// legal lists the states that an operation may move a task between.
var legal = map[string]map[stateIndex][]stateIndex{
	OpSurvey: {available: {available, quarantined}},
	OpLease:  {available: {leased}},
	OpRenew:  {leased: {leased}},
	OpRelease: {
		leased: {available, quarantined},
	},
	OpExpire: {
		leased: {available, quarantined},
	},
	OpSubmit: {
		leased:      {submitted},
		available:   {submitted},
		quarantined: {submitted},
	},
	OpJudge: {
		submitted:   {accepted, rejected},
		accepted:    {submitted, rejected},
		rejected:    {submitted, accepted},
		available:   {accepted},
		quarantined: {accepted},
	},
	OpReissue: {
		submitted: {available, quarantined},
		rejected:  {available, quarantined},
	},
	OpRequeue: {
		available:   {available},
		quarantined: {available},
		submitted:   {available},
	},
}

// mayMove reports whether op may move a task so. Verdicts move nothing, and an
// excuse can only quarantine what nobody has.
func mayMove(op string, from, to stateIndex) bool {
	switch op {
	case OpVerdict:
		return from == to
	case OpExcuse:
		return from == to || from == available && to == quarantined
	}
	return slices.Contains(legal[op][from], to)
}

// parseTaskID splits a task's id into crawl and number.
func parseTaskID(id string) (crawl string, number int, ok bool) {
	at := len(id) - len("-000000")
	if at < 1 || id[at] != '-' {
		return "", 0, false
	}
	crawl = id[:at]
	number, err := strconv.Atoi(id[at+1:])
	return crawl, number, err == nil && number >= 0 && strings.Trim(id[at+1:], "0123456789") == ""
}
