package taskserver

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// tellEvery is how often an outage is told of, and how long nothing must have
// been refused for it to be over.
const tellEvery = time.Minute

// outages tell of requests that are refused because the chain or the store is
// away: a line when it begins, one a minute with how many there were, one when
// it is over. Thousands of clients ask again and again meanwhile, and a line for
// each would bury what happened.
type outages struct {
	clock func() time.Time
	log   zerolog.Logger

	mu   sync.Mutex
	open map[string]*outage // by type of problem
}

// outage is a time in which requests are refused with problems of one type.
type outage struct {
	began, told, last time.Time
	// refused counts since it began, untold since it was told of.
	refused, untold int
}

func newOutages(clock func() time.Time, log zerolog.Logger) *outages {
	return &outages{clock: clock, log: log, open: make(map[string]*outage)}
}

// refused counts a request that was refused with a problem of a type.
func (o *outages) refused(kind, route string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.clock() // with the lock, so that no caller has an older time than the one before
	known := o.open[kind]
	if known != nil && passed(known.last, now) {
		o.end(kind, known)
		known = nil
	}
	if known == nil {
		o.open[kind] = &outage{began: now, told: now, last: now, refused: 1}
		o.log.Warn().Str("problem", kind).Str("route", route).Err(err).Msg("requests are refused")
		return
	}
	known.last = now
	known.refused++
	known.untold++
	if passed(known.told, now) {
		o.log.Warn().Str("problem", kind).Int("requests", known.untold).Str("route", route).Err(err).Msg("requests are still refused")
		known.told, known.untold = now, 0
	}
}

// settle tells of the outages that are over.
func (o *outages) settle(context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.clock() // with the lock, as in refused
	for kind, known := range o.open {
		if passed(known.last, now) {
			o.end(kind, known)
		}
	}
	return nil
}

func (o *outages) end(kind string, known *outage) {
	delete(o.open, kind)
	o.log.Info().Str("problem", kind).Int("requests", known.refused).Stringer("lasted", known.last.Sub(known.began).Round(time.Second)).
		Msg("requests are refused no more")
}

// passed reports whether tellEvery lies between two times; so it does if the
// clock was set back, which must not silence anything.
func passed(from, to time.Time) bool {
	since := to.Sub(from)
	return since < 0 || since >= tellEvery
}
