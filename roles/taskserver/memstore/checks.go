package memstore

import (
	"maps"
	"slices"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

func (v view) Records(kind, after string, limit int) ([]engine.Record, error) {
	var some []engine.Record
	for h, r := range v.records {
		if h.Kind == kind && h.Address > after {
			some = append(some, r)
		}
	}
	slices.SortFunc(some, compareRecords)
	return some[:min(limit, len(some))], nil
}

func (v view) VerdictKeys(since int64, limit int) ([]string, error) {
	var keys []string
	for _, d := range page(v.verdicts, since, limit) {
		key, err := d.Key()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (v view) Statements(after string, limit, maxBytes int) ([]contract.Statement, error) {
	ids := slices.Collect(maps.Keys(v.statements))
	ids = slices.DeleteFunc(ids, func(id string) bool { return id <= after })
	slices.Sort(ids)
	var some []contract.Statement
	for _, id := range ids[:min(limit, len(ids))] {
		s, err := v.Statement(id)
		if err != nil {
			return nil, err
		}
		if maxBytes -= len(s.Body); maxBytes < 0 && len(some) > 0 {
			break
		}
		some = append(some, s)
	}
	return some, nil
}
