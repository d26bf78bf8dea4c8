package storetest

import (
	"encoding/json"
	"fmt"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

func recordPages(b *bench) {
	b.change(func(tx engine.Tx) error {
		var errs []error
		for _, h := range []engine.Holder{{Kind: engine.HolderHotkey, Address: cleo}, {Kind: engine.HolderColdkey, Address: ben},
			{Kind: engine.HolderHotkey, Address: "a"}, {Kind: engine.HolderHotkey, Address: ann}} {
			errs = append(errs, tx.PutRecord(engine.Record{Holder: h, Strikes: 2, StruckBlock: 7, Unjudged: 1, Accepted: 3, Ban: "why"}))
		}
		return all(errs...)
	})
	for _, c := range []struct {
		kind, after string
		limit       int
		want        []string
	}{
		{engine.HolderHotkey, "", 10, []string{ann, cleo, "a"}}, // byte by byte
		{engine.HolderHotkey, "", 2, []string{ann, cleo}},
		{engine.HolderHotkey, ann, 1, []string{cleo}},
		{engine.HolderHotkey, "a", 10, nil},
		{engine.HolderColdkey, "", 10, []string{ben}},
		{"", "", 10, nil},
	} {
		var got []string
		for _, r := range see(b, func(v engine.View) ([]engine.Record, error) { return v.Records(c.kind, c.after, c.limit) }) {
			b.want("record", r, engine.Record{Holder: engine.Holder{Kind: c.kind, Address: r.Address}, Strikes: 2, StruckBlock: 7, Unjudged: 1,
				Accepted: 3, Ban: "why"})
			got = append(got, r.Address)
		}
		b.want(fmt.Sprintf("%+v", c), got, c.want)
	}
}

func verdictKeys(b *bench) {
	all := []engine.Verdict{someVerdict(ben, 0, 1, contract.VerdictAccepted, 20), someVerdict(cleo, 0, 1, contract.VerdictAccepted, 20),
		someVerdict(ben, 0, 1, contract.VerdictAccepted, 21)}
	publish(b, all...)
	var keys []string
	for _, v := range all {
		v.Seq, v.Stake = 9, 9 // which are no part of it
		key, err := v.Key()
		b.must(err)
		keys = append(keys, key)
	}
	list := func(since int64, limit int) []string {
		return see(b, func(v engine.View) ([]string, error) { return v.VerdictKeys(since, limit) })
	}
	b.want("keys", list(0, 10), keys)
	b.want("a page", list(1, 1), keys[1:2])
	b.want("after the last", len(list(3, 10)), 0)
}

func statementsPaged(b *bench) {
	id := func(number int) string { return fmt.Sprintf("%064x", number) }
	b.change(func(tx engine.Tx) error {
		var errs []error
		for _, i := range []int{2, 0, 3, 1} {
			errs = append(errs, tx.AddStatement(contract.Statement{SHA256: id(i), Validator: ann, SignedFor: ben, UUID: "u",
				Timestamp: 1 << 41, Signature: "00", Body: fmt.Appendf(nil, `{"é":%d}`, i)})) // 8 bytes
		}
		return all(errs...)
	})
	for _, c := range []struct {
		after        string
		limit, bytes int
		want         string
	}{{"", 3, 100, "012"}, {"", 10, 32, "0123"}, {"", 10, 31, "012"}, {"", 10, 8, "0"}, {"", 10, 1, "0"}, {id(0), 2, 100, "12"},
		{id(1), 10, 15, "2"}, {id(1) + "0", 10, 99, "23"}, {id(3), 10, 99, ""}} {
		got := ""
		for _, s := range see(b, func(v engine.View) ([]contract.Statement, error) { return v.Statements(c.after, c.limit, c.bytes) }) {
			one := see(b, func(v engine.View) (contract.Statement, error) { return v.Statement(s.SHA256) })
			b.want("statement", s, one)
			var body map[string]int
			b.must(json.Unmarshal(s.Body, &body))
			got += fmt.Sprint(body["é"])
		}
		b.want(fmt.Sprintf("%+v", c), got, c.want)
	}
}
