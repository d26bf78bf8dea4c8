package validator

import (
	"context"
	"strconv"
	"strings"

	"finest/chain"
	"finest/eval"
	"finest/internal/contract"
)

// publish tells the board the settled verdicts, once everybody can read the
// weights they led to.
func (v *Validator) publish(ctx context.Context, final chain.Block) error {
	last := v.store.state.Shown
	if v.o.Board == nil || last == nil || !v.board.due(final.Number) {
		return nil
	}
	paid := make(map[caseKey]eval.Paid)
	for _, d := range v.o.Protocol.Score(last.Block, v.submissions()).Details {
		paid[caseKey{d.Hotkey, d.Task, d.Generation}] = d
	}
	var verdicts []contract.Verdict
	var refs []caseKey
	flush := func() error {
		if len(verdicts) == 0 {
			return nil
		}
		if err := v.o.Board.Score(ctx, verdicts, last.Block); err != nil {
			return v.boardFailed(ctx, final, "publish verdicts", err)
		}
		err := v.store.add(event{Published: refs})
		verdicts, refs = nil, nil
		return err
	}
	for _, c := range v.store.state.Cases {
		if c.Published || !c.Weighed || c.Verdict.Fault == eval.FaultOwn {
			continue
		}
		d := paid[c.key()]
		verdicts = append(verdicts, contract.Verdict{
			Task: c.Line.Task, Generation: c.Line.Generation, Hotkey: c.Hotkey, Manifest: c.Line.Manifest,
			Outcome: string(c.Verdict.Outcome), Reason: shorten(reason(c, d), contract.MaxReason),
			Pay: strconv.FormatFloat(d.Pay, 'f', 0, 64),
		})
		refs = append(refs, c.key())
		if len(verdicts) == contract.MaxVerdicts {
			if err := flush(); err != nil || len(verdicts) > 0 {
				return err
			}
		}
	}
	return flush()
}

// shorten cuts a text to at most max bytes of UTF-8.
func shorten(s string, max int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= max {
		return s
	}
	const more = "…"
	return strings.ToValidUTF8(s[:max-len(more)], "") + more
}
