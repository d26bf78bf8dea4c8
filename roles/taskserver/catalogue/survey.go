package catalogue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rs/zerolog"

	"finest/internal/contract"
	"finest/internal/polite"
	"finest/roles/taskserver/engine"
)

// Defaults of SurveyOptions.
const (
	DefaultAhead = 1000
	DefaultPoll  = 15 * time.Second
)

// Limits of one round, so that excuses do not wait for a long survey.
const (
	tasksPerRound   = 16
	excusesPerRound = 16
)

// Tables are what a Surveyor reads of an engine.Store.
type Tables interface {
	View(ctx context.Context, f func(engine.View) error) error
}

// Decider is what a Surveyor tells an engine.Engine.
type Decider interface {
	// Surveyed makes an available task ready with files whose sizes are known, or
	// quarantines it because of what is bad about them. Any other task is
	// engine.ErrState, as is an excuse that is decided.
	Surveyed(ctx context.Context, block uint64, task string, files []contract.InputFile, bad string) error
	// Excuse decides whether a release was the fault of its file.
	Excuse(ctx context.Context, block uint64, task string, generation int64, confirmed bool, evidence string) error
}

// SurveyOptions say what a Surveyor works on.
type SurveyOptions struct {
	Tables  Tables
	Decider Decider
	// Base is what the paths of all crawls are relative to.
	Base polite.Base
	// Block returns the newest finalised block.
	Block func(context.Context) (uint64, error)
	// Ahead is how many tasks are kept ready to be leased; 0 stands for
	// DefaultAhead.
	Ahead int
	// Poll is how often Run looks for new work; 0 stands for DefaultPoll.
	Poll time.Duration
	// Now is the time; nil stands for time.Now.
	Now func() time.Time
	// Log is told what was decided, and that a crawl cannot be read.
	Log zerolog.Logger
}

// Surveyor looks at the files of tasks before they are leased, and at those that
// releases name as missing. It asks for each file once, one at a time, and what
// it learns is in the store. A crawl that cannot be read, or not from here, makes
// it wait; it quarantines a task only for a fault that is the file's own.
//
// Its methods run one at a time, but for Stats.
type Surveyor struct {
	o     SurveyOptions
	turn  chan struct{} // held while working
	point uint64        // where on the ring to look next
	later *patience
	good  map[string]sighting // by crawl
	// down says that the last attempt got no answer, failures counts those in a
	// row that found nothing out, pause is when the next may be made.
	down     bool
	failures int
	pause    time.Time
	stats    counters
}

// Report is what one round did.
type Report struct {
	Surveyed, Quarantined, Confirmed, Refuted int
	// Undecided counts tasks and excuses that have to be looked at again.
	Undecided int
	// Wait is how long nothing is to be done now; 0 if there is more.
	Wait time.Duration
}

// NewSurveyor returns a Surveyor.
func NewSurveyor(o SurveyOptions) (*Surveyor, error) {
	if o.Tables == nil || o.Decider == nil || o.Base == nil || o.Block == nil {
		return nil, errors.New("survey: tables, decider, base and block are needed")
	}
	if o.Ahead < 0 || o.Poll < 0 {
		return nil, fmt.Errorf("survey: %d tasks ahead, every %v", o.Ahead, o.Poll)
	}
	if o.Ahead == 0 {
		o.Ahead = DefaultAhead
	}
	if o.Poll == 0 {
		o.Poll = DefaultPoll
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Surveyor{
		o: o, turn: make(chan struct{}, 1), later: newPatience(), good: make(map[string]sighting),
		point: rand.Uint64() >> 1, // replicas begin at different places
	}, nil
}

// Run works until ctx ends.
func (s *Surveyor) Run(ctx context.Context) {
	for ctx.Err() == nil {
		report, err := s.Round(ctx)
		wait := report.Wait
		if err != nil && ctx.Err() == nil {
			s.o.Log.Error().Err(err).Msg("survey failed, it goes on later")
			wait = s.o.Poll
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// Round decides some excuses and surveys some tasks. Its error is of the store,
// the chain or ctx; a crawl that cannot be read is none.
func (s *Surveyor) Round(ctx context.Context) (Report, error) {
	if err := s.begin(ctx); err != nil {
		return Report{}, err
	}
	defer s.end()
	var report Report
	if wait := s.pause.Sub(s.o.Now()); wait > 0 {
		report.Wait = min(wait, s.o.Poll)
		return report, nil
	}
	excuses, err := s.excuses(ctx, &report)
	if err != nil {
		return report, err
	}
	tasks, err := s.ahead(ctx, &report)
	if err == nil && (!excuses && !tasks || s.paused()) {
		report.Wait = s.o.Poll
	}
	return report, err
}

func (s *Surveyor) begin(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Surveyor) end() { <-s.turn }

func (s *Surveyor) paused() bool { return s.pause.After(s.o.Now()) }

// ahead surveys tasks while fewer than Ahead are ready. It reports whether
// there are more to be surveyed.
func (s *Surveyor) ahead(ctx context.Context, report *Report) (more bool, err error) {
	missing, err := s.missing(ctx)
	if err != nil {
		return false, err
	}
	for range min(missing, tasksPerRound) {
		if s.paused() {
			return false, nil
		}
		task, ok, err := s.next(ctx)
		if err != nil || !ok {
			return false, err
		}
		if err := s.task(ctx, task, report); err != nil {
			return false, err
		}
	}
	return missing > tasksPerRound, nil
}

// missing returns how many tasks should be ready and are not.
func (s *Surveyor) missing(ctx context.Context) (missing int, err error) {
	ready, unready := int64(0), int64(0)
	err = s.o.Tables.View(ctx, func(v engine.View) error {
		ready, unready = 0, 0
		counts, err := engine.Leasable(v)
		for _, c := range counts {
			switch {
			case c.State != contract.TaskAvailable:
			case c.Ready:
				ready += c.Tasks
			default:
				unready += c.Tasks
			}
		}
		return err
	})
	return int(min(max(0, int64(s.o.Ahead)-ready), unready)), err
}

// stride is 2⁶³ divided by the golden ratio: steps of it cover the ring evenly
// however many there are (Knuth, The Art of Computer Programming 3, 6.4, on
// Fibonacci hashing).
const stride = 5_700_357_409_661_599_241

// Searches of the ring.
const (
	searchSteps = 16
	searchTasks = 64
)

// next returns a task to be surveyed. It steps around the ring, so that the
// tasks that are ready lie all over it: if they lay in one piece, most draws
// would meet its first task, and miners could know it in advance.
func (s *Surveyor) next(ctx context.Context) (found engine.Task, ok bool, err error) {
	for range searchSteps {
		s.point = (s.point + stride) & (1<<63 - 1)
		err := s.o.Tables.View(ctx, func(v engine.View) error {
			ok = false
			for _, from := range []int64{int64(s.point), 0} {
				tasks, err := v.Unready(from, searchTasks)
				if err != nil {
					return err
				}
				for _, t := range tasks {
					if s.later.due(t.ID, s.o.Now()) {
						found, ok = t, true
						return nil
					}
				}
			}
			return nil
		})
		if ok || err != nil {
			return found, ok, err
		}
	}
	return engine.Task{}, false, nil
}
