package books

import (
	"encoding/json"
	"fmt"
	"strconv"

	"finest/internal/canon"
	"finest/internal/contract"
)

// side is a table that is a log itself: its rows come in the order of the
// entries that added them, so both are read side by side.
type side[T any] struct {
	name string
	// next returns rows after sequence number since.
	next func(since int64, limit int) ([]T, error)
	seq  func(T) int64

	rows []T
	last int64
}

// take returns the next row; false if there is none.
func (s *side[T]) take() (row T, ok bool, err error) {
	if len(s.rows) == 0 {
		if s.rows, err = s.next(s.last, pageRows); err != nil {
			return row, false, fmt.Errorf("%ss after %d: %w", s.name, s.last, err)
		}
		if len(s.rows) == 0 {
			return row, false, nil
		}
	}
	row, s.rows = s.rows[0], s.rows[1:]
	s.last = s.seq(row)
	return row, true, nil
}

// match compares the next row with what an entry says.
func (s *side[T]) match(c *checker, e Entry, same func(T) bool) error {
	row, ok, err := s.take()
	switch {
	case err != nil:
		return err
	case !ok:
		c.report.fault(s.name+" of audit entry "+strconv.FormatInt(e.Seq, 10), "it is missing")
	case !same(row):
		c.report.fault(fmt.Sprintf("%s %d", s.name, s.seq(row)), "it is not what audit entry %d says", e.Seq)
	}
	return nil
}

// end reports a row that no entry added.
func (s *side[T]) end(c *checker) error {
	row, ok, err := s.take()
	if ok {
		c.report.fault(fmt.Sprintf("%s %d", s.name, s.seq(row)), "no entry added it, or one before it")
	}
	return err
}

// sides are the tables beside the log.
type sides struct {
	submissions side[contract.SubmissionView]
	verdicts    side[VerdictRow]
	proofs      side[contract.ProofView]
}

func (c *checker) sides() *sides {
	return &sides{
		submissions: side[contract.SubmissionView]{name: "submission", next: c.Submissions,
			seq: func(s contract.SubmissionView) int64 { return s.Seq }},
		verdicts: side[VerdictRow]{name: "verdict", next: c.Verdicts, seq: func(v VerdictRow) int64 { return v.Seq }},
		proofs:   side[contract.ProofView]{name: "proof", next: c.Proofs, seq: func(p contract.ProofView) int64 { return p.Seq }},
	}
}

// compare compares what an entry added to a table with its row. Entries that
// come here were applied, so their details can be read.
func (s *sides) compare(c *checker, e Entry) error {
	switch e.Op {
	case OpSubmit:
		d, err := read[Submit](e)
		if err != nil {
			return err
		}
		want := contract.SubmissionView{Task: e.Task, Generation: e.Generation, Hotkey: e.Actor, Claim: d.Claim,
			Manifest: d.Manifest, Block: d.Block, Bytes: d.Bytes}
		return s.submissions.match(c, e, func(row contract.SubmissionView) bool {
			row.Seq = 0
			return row == want
		})
	case OpVerdict:
		d, err := read[Verdict](e)
		if err != nil {
			return err
		}
		want := contract.VerdictView{Verdict: d.Verdict, Validator: e.Actor, WeightsBlock: d.WeightsBlock, Statement: d.Statement}
		return s.verdicts.match(c, e, func(row VerdictRow) bool {
			row.Seq = 0
			return row.VerdictView == want && strconv.FormatUint(row.Stake, 10) == d.Stake
		})
	case OpProof:
		d, err := read[Proof](e)
		if err != nil {
			return err
		}
		return s.proofs.match(c, e, func(row contract.ProofView) bool {
			return row.Sender == e.Actor && row.SHA256 == d.SHA256 && sumOf(row.Proof) == d.SHA256
		})
	}
	return nil
}

// rest reports rows that no entry added.
func (s *sides) rest(c *checker) error {
	for _, end := range []func(*checker) error{s.submissions.end, s.verdicts.end, s.proofs.end} {
		if err := end(c); err != nil {
			return err
		}
	}
	return nil
}

// sumOf is the hash of a proof's canonical JSON.
func sumOf(proof json.RawMessage) string {
	raw, err := canon.Canonicalize(proof)
	if err != nil {
		return ""
	}
	return canon.Sum(raw)
}
