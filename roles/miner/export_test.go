package miner

import (
	"context"

	"finest/internal/contract"
)

// Journal is what a miner keeps its journal in.
type Journal = appender

// WrapJournal puts wrap around the journals that m opens.
func (m *Miner) WrapJournal(wrap func(path string, j Journal) Journal) {
	m.openJournal = func(path string) (appender, [][]byte, error) {
		j, entries, err := openJournal(path)
		if err != nil {
			return nil, nil, err
		}
		return wrap(path, j), entries, nil
	}
}

// What a card is made of.
type (
	Totals  = totals
	Summary = summary
	Amount  = amount
)

// Card is the dataset card of a publication.
var Card = card

// ParseTotals reads totals that came from outside.
var ParseTotals = parseTotals

// With returns the totals of a log that continues that of t by m.
func (t totals) With(m contract.Manifest, s Summary) Totals { return t.with(m, s) }

// SendAhead runs write, which tells of finished files, and returns the paths of
// what the hub has when all that can be sent is sent.
func SendAhead(ctx context.Context, o Options, write func(finished func(contract.OutputFile))) map[string]bool {
	o.Repo, o.Patience, o.Clock, o.Rand = "owner/data", DefaultPatience, systemClock{}, func() float64 { return 0.5 }
	o.Metrics = NewMetrics(nil)
	s := (&Miner{Options: o}).sendAhead(ctx, &lease{})
	defer s.stop()
	write(s.add)
	return s.finish(ctx)
}
