package memstore

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

func (v view) Verdicts(task, hotkey string, since int64, limit int) ([]engine.Verdict, error) {
	var some []engine.Verdict
	for _, d := range page(v.verdicts, since, len(v.verdicts)) {
		if len(some) >= limit {
			break
		}
		if (task == "" || d.Task == task) && (hotkey == "" || d.Hotkey == hotkey) {
			some = append(some, d)
		}
	}
	return some, nil
}

func (v view) NewestVerdicts(task string, generation int64) ([]engine.Verdict, error) {
	newest := make(map[string]engine.Verdict)
	for _, at := range v.onLease[leaseKey{task, generation}] {
		newest[v.verdicts[at].Validator] = v.verdicts[at]
	}
	return slices.SortedFunc(maps.Values(newest), func(a, b engine.Verdict) int { return cmp.Compare(a.Seq, b.Seq) }), nil
}

func (v view) Standings() ([]contract.Standing, error) {
	by := make(map[string]*contract.Standing)
	of := func(hotkey string) *contract.Standing {
		if by[hotkey] == nil {
			by[hotkey] = &contract.Standing{Hotkey: hotkey}
		}
		return by[hotkey]
	}
	for _, s := range v.submissions {
		standing := of(s.Hotkey)
		standing.Submitted++
		standing.Bytes += s.Bytes
		standing.LastBlock = max(standing.LastBlock, s.Block)
	}
	for k := range v.onLease {
		newest, err := v.NewestVerdicts(k.task, k.generation)
		if err != nil {
			return nil, err
		}
		for _, d := range newest {
			switch standing := of(d.Hotkey); d.Outcome {
			case contract.VerdictAccepted:
				standing.Accepted++
			case contract.VerdictRejected:
				standing.Rejected++
			default:
				standing.Undecided++
			}
		}
	}
	var all []contract.Standing
	for _, s := range by {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b contract.Standing) int {
		return cmp.Or(cmp.Compare(b.Accepted, a.Accepted), cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Hotkey, b.Hotkey))
	})
	return all, nil
}

func (v view) Statement(sha256 string) (contract.Statement, error) {
	s, err := get(v.statements, sha256)
	s.Body = slices.Clone(s.Body)
	return s, err
}

func (v view) Proofs(since int64, limit, maxBytes int) ([]contract.ProofView, error) {
	var some []contract.ProofView
	for _, p := range page(v.proofs, since, limit) {
		if maxBytes -= len(p.Proof); maxBytes < 0 && len(some) > 0 {
			break
		}
		p.Proof = slices.Clone(p.Proof)
		some = append(some, p)
	}
	return some, nil
}

// page returns up to limit rows after sequence number since; rows are numbered
// from 1.
func page[T any](rows []T, since int64, limit int) []T {
	start := int(min(max(since, 0), int64(len(rows))))
	return slices.Clone(rows[start:min(start+max(limit, 0), len(rows))])
}

func get[K comparable, V any](table map[K]V, k K) (V, error) {
	row, ok := table[k]
	if !ok {
		return row, engine.ErrNotFound
	}
	return row, nil
}

func sortedKeys[V any](table map[string]V) []string { return slices.Sorted(maps.Keys(table)) }

func findLease(leases []engine.Lease, generation int64) (int, bool) {
	return slices.BinarySearchFunc(leases, generation, func(l engine.Lease, g int64) int { return cmp.Compare(l.Receipt.Generation, g) })
}

func cloneLease(l engine.Lease) engine.Lease {
	l.Receipt.Files = slices.Clone(l.Receipt.Files)
	return l
}

func compareCounts(a, b engine.TaskCount) int {
	ready := func(c engine.TaskCount) int {
		if c.Ready {
			return 1
		}
		return 0
	}
	return cmp.Or(strings.Compare(a.Crawl, b.Crawl), strings.Compare(a.State, b.State), cmp.Compare(ready(a), ready(b)))
}

func compareRecords(a, b engine.Record) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Address, b.Address))
}
