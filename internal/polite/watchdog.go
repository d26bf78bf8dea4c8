package polite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"
)

// errStalled says that a transfer made no progress.
var errStalled = errors.New("no progress")

// watchdog cancels a transfer in which nothing moves for limit. It watches only
// while the program waits for the other side, so that a slow consumer is not
// mistaken for a slow server; and it is no limit on the whole transfer, as a
// gigabyte may take its time.
type watchdog struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	limit  time.Duration
	timer  *time.Timer
}

func newWatchdog(parent context.Context, limit time.Duration) *watchdog {
	d := &watchdog{limit: limit}
	d.ctx, d.cancel = context.WithCancelCause(parent)
	d.timer = time.AfterFunc(limit, func() { d.cancel(fmt.Errorf("%w for %v", errStalled, limit)) })
	d.timer.Stop()
	return d
}

func (d *watchdog) start() { d.timer.Reset(d.limit) }
func (d *watchdog) pause() { d.timer.Stop() }

// stop ends the transfer and releases what it holds.
func (d *watchdog) stop() {
	d.timer.Stop()
	d.cancel(nil)
}

// explain returns err as it should be reported: why the transfer was cancelled
// if it was, and without the URL, which may hold a token.
func (d *watchdog) explain(err error) error {
	if cause := context.Cause(d.ctx); errors.Is(cause, errStalled) {
		return cause
	}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		return outer.Err
	}
	return err
}

// sending is the body of a request: every part the transport takes is progress.
type sending struct {
	io.ReadCloser
	dog *watchdog
}

func (s *sending) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if n > 0 {
		s.dog.start()
	}
	return n, err
}

// receiving is the body of a response.
type receiving struct {
	io.ReadCloser
	dog *watchdog
}

func (r *receiving) Read(p []byte) (int, error) {
	r.dog.start()
	n, err := r.ReadCloser.Read(p)
	r.dog.pause()
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.dog.explain(err)
	}
	return n, err
}

func (r *receiving) Close() error {
	err := r.ReadCloser.Close()
	r.dog.stop()
	return err
}
