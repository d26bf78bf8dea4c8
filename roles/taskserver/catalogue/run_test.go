package catalogue_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"finest/internal/contract"
	"finest/internal/polite"
	"finest/roles/taskserver/catalogue"
)

// memory is a base without a network: every file is content.
type memory struct{ content []byte }

func (m memory) Open(context.Context, string) (io.ReadCloser, int64, error) {
	return nil, 0, polite.ErrUnavailable
}

func (m memory) ReadRange(context.Context, string, int64, int64) ([]byte, int64, error) {
	return m.content, int64(len(m.content)), nil
}

func (m memory) Size(context.Context, string) (int64, error) { return int64(len(m.content)), nil }
func (m memory) String() string                              { return "memory" }

func TestRunKeepsTasksReadyUntilItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var list []contract.InputFile
		for i := range 100 {
			list = append(list, contract.InputFile{Path: path(i)})
		}
		d := newDesk(t, list, 1)
		surveyor, err := catalogue.NewSurveyor(catalogue.SurveyOptions{
			Tables: d, Decider: d, Base: memory{members(t, record(1, 1), record(2, 2))}, Ahead: 40, Log: zerolog.Nop(),
			Block: func(context.Context) (uint64, error) { return 1, nil },
		})
		check(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			surveyor.Run(ctx)
		}()
		synctest.Wait()
		equal(t, "ready at first", d.count(contract.TaskAvailable, true), 40)
		for range 25 {
			d.lease()
		}
		time.Sleep(catalogue.DefaultPoll)
		synctest.Wait()
		equal(t, "ready after leases", d.count(contract.TaskAvailable, true), 40)
		cancel()
		<-done
	})
}
