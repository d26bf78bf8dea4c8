package books

import (
	"encoding/json"
	"fmt"
	"math"

	"finest/internal/canon"
	"finest/internal/contract"
)

// side is a table that is a log itself: its rows are numbered from 1 in the order
// of the entries that added them, so both are read side by side.
type side[T any] struct {
	name string
	// next returns rows after sequence number since.
	next func(since int64, limit int) ([]T, error)
	seq  func(T) int64

	rows []T
	last int64
	// added counts the entries that added a row.
	added int64
}

// peek returns the next row; false if there is none.
func (s *side[T]) peek() (row T, ok bool, err error) {
	if len(s.rows) == 0 {
		if s.rows, err = s.next(s.last, pageRows); err != nil {
			return row, false, fmt.Errorf("%ss after %d: %w", s.name, s.last, err)
		}
		if len(s.rows) == 0 {
			return row, false, nil
		}
	}
	return s.rows[0], true, nil
}

func (s *side[T]) drop() {
	s.last = s.seq(s.rows[0])
	s.rows = s.rows[1:]
}

// match compares the row of an entry with what it says. It returns the row; false
// if there is none.
func (s *side[T]) match(c *checker, e Entry, fields func(T) []field) (row T, ok bool, err error) {
	s.added++
	for {
		if row, ok, err = s.peek(); err != nil {
			return row, false, err
		}
		if !ok || s.seq(row) >= s.added {
			break
		}
		s.stray(c, row)
	}
	if !ok || s.seq(row) != s.added {
		c.report.fault(s.where(s.added), "it is missing, though audit entry %d added it", e.Seq)
		return row, false, nil
	}
	s.drop()
	c.report.differing(s.where(s.added), fmt.Sprintf(", as audit entry %d says", e.Seq), fields(row)...)
	return row, true, nil
}

func (s *side[T]) where(seq int64) string { return fmt.Sprintf("%s %d", s.name, seq) }

// end reports rows that no entry added.
func (s *side[T]) end(c *checker) error {
	for {
		row, ok, err := s.peek()
		if err != nil || !ok {
			return err
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
		s.stray(c, row)
	}
}

// stray reports a row that no entry added.
func (s *side[T]) stray(c *checker, row T) {
	s.drop()
	c.report.fault(s.where(s.seq(row)), "no entry added it")
}

// first lies before all sequence numbers: those that are no entry's, too, shall be
// found.
const first = math.MinInt64

// sides are the tables beside the log.
type sides struct {
	submissions side[contract.SubmissionView]
	verdicts    side[VerdictRow]
	proofs      side[contract.ProofView]
}

func (c *checker) sides() *sides {
	return &sides{
		submissions: side[contract.SubmissionView]{name: "submission", next: c.Submissions, last: first,
			seq: func(s contract.SubmissionView) int64 { return s.Seq }},
		verdicts: side[VerdictRow]{name: "verdict", next: c.Verdicts, last: first, seq: func(v VerdictRow) int64 { return v.Seq }},
		proofs:   side[contract.ProofView]{name: "proof", next: c.Proofs, last: first, seq: func(p contract.ProofView) int64 { return p.Seq }},
	}
}

// compare compares what an entry added to a table with its row. Entries that
// come here were applied, so their details can be read.
func (s *sides) compare(c *checker, e Entry) error {
	switch e.Op {
	case OpSubmit:
		return s.submission(c, e)
	case OpVerdict:
		return s.verdict(c, e)
	case OpProof:
		return s.proof(c, e)
	}
	return nil
}

func (s *sides) submission(c *checker, e Entry) error {
	d, err := read[Submit](e)
	if err != nil {
		return err
	}
	_, _, err = s.submissions.match(c, e, func(row contract.SubmissionView) []field {
		return []field{{"task", row.Task, e.Task}, {"generation", row.Generation, e.Generation}, {"hotkey", row.Hotkey, e.Actor},
			{"claim", row.Claim, d.Claim}, {"manifest", row.Manifest, d.Manifest}, {"block", row.Block, d.Block}, {"size", row.Bytes, d.Bytes}}
	})
	return err
}

func (s *sides) verdict(c *checker, e Entry) error {
	d, err := read[Verdict](e)
	if err != nil {
		return err
	}
	row, ok, err := s.verdicts.match(c, e, func(row VerdictRow) []field {
		return []field{{"task", row.Task, d.Task}, {"generation", row.Generation, d.Generation}, {"hotkey", row.Hotkey, d.Hotkey},
			{"manifest", row.Manifest, d.Manifest}, {"outcome", row.Outcome, d.Outcome}, {"reason", row.Reason, d.Reason}, {"pay", row.Pay, d.Pay},
			{"validator", row.Validator, e.Actor}, {"weights block", row.WeightsBlock, d.WeightsBlock}, {"statement", row.Statement, d.Statement},
			{"stake", rao(row.Stake), d.Stake}}
	})
	if err != nil || !ok {
		return err
	}
	where := s.verdicts.where(row.Seq)
	if row.Stored != row.Key {
		c.report.fault(where, "it is stored under the hash %s, its content has %s", shown(row.Stored), row.Key)
	}
	return c.said(where, contract.VerdictView{Verdict: d.Verdict, Validator: e.Actor, WeightsBlock: d.WeightsBlock, Statement: d.Statement})
}

func (s *sides) proof(c *checker, e Entry) error {
	d, err := read[Proof](e)
	if err != nil {
		return err
	}
	_, _, err = s.proofs.match(c, e, func(row contract.ProofView) []field {
		return []field{{"sender", row.Sender, e.Actor}, {"hash", row.SHA256, d.SHA256}, {"content's hash", sumOf(row.Proof), d.SHA256}}
	})
	return err
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
