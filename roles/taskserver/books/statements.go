package books

import (
	"encoding/json"
	"fmt"

	"finest/internal/contract"
)

// statements checks each statement by itself: that its id is that of its content,
// and that its validator signed it.
func (c *checker) statements() error {
	for after := ""; ; {
		rows, err := c.Statements(after, pageRows)
		if err != nil {
			return fmt.Errorf("statements after %q: %w", after, err)
		}
		if err := c.ctx.Err(); err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			after = row.SHA256
			where := "statement " + row.SHA256
			if id := contract.StatementID(row.Validator, row.Body); id != row.SHA256 {
				c.report.fault(where, "its validator and its body make it statement %s", id)
			} else if err := c.Signed(row); err != nil {
				c.report.fault(where, "%v", err)
			}
		}
	}
}

// spoken is what a statement says.
type spoken struct {
	validator    string
	weightsBlock uint64
	verdicts     map[contract.Verdict]bool
	// fault says what is wrong with it; "" for nothing.
	fault string
}

// maxSpoken bounds the statements that are remembered: verdicts of one come
// together, or are spread over the ends of its leases.
const maxSpoken = 64

// said checks that the statement of a verdict, as the log tells it, says so.
func (c *checker) said(where string, v contract.VerdictView) error {
	s, ok := c.spoken[v.Statement]
	if !ok {
		var err error
		if s, err = c.readStatement(v.Statement); err != nil {
			return err
		}
		if len(c.spoken) >= maxSpoken {
			clear(c.spoken)
		}
		c.spoken[v.Statement] = s
	}
	statement := "its statement " + shown(v.Statement)
	switch {
	case s.fault != "":
		c.report.fault(where, "%s %s", statement, s.fault)
	case s.validator != v.Validator:
		c.report.fault(where, "%s is by %s, not by %s", statement, shown(s.validator), shown(v.Validator))
	case s.weightsBlock != v.WeightsBlock:
		c.report.fault(where, "%s is of the weights of block %d, not %d", statement, s.weightsBlock, v.WeightsBlock)
	case !s.verdicts[v.Verdict]:
		c.report.fault(where, "%s does not say so", statement)
	}
	return nil
}

func (c *checker) readStatement(id string) (*spoken, error) {
	row, ok, err := c.Statement(id)
	if err != nil {
		return nil, fmt.Errorf("statement %s: %w", id, err)
	}
	if !ok {
		return &spoken{fault: "is missing"}, nil
	}
	req, ok := scores(row.Body)
	if !ok {
		return &spoken{fault: "cannot be read"}, nil
	}
	s := &spoken{validator: row.Validator, weightsBlock: req.WeightsBlock, verdicts: make(map[contract.Verdict]bool, len(req.Verdicts))}
	for _, v := range req.Verdicts {
		s.verdicts[v] = true
	}
	return s, nil
}

// scores reads the body of a statement; false if it is no score request.
func scores(body []byte) (req contract.ScoreRequest, ok bool) {
	err := json.Unmarshal(body, &req)
	return req, err == nil
}
