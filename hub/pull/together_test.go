package pull_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"finest/hub/pull"
)

// TestFetchedTogether: many that want a file at the same time wait for one
// download.
func TestFetchedTogether(t *testing.T) {
	t.Parallel()
	s := newStore()
	b := content(1, 5000)
	f := s.put("a", b)
	// The cache has room for this file alone, so only its pins keep it.
	c := openCache(t, t.TempDir(), pull.Limits{Bytes: 5000, Files: 1})
	const many = 20
	waiting, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.during = func() { once.Do(func() { <-goOn }) }
	var group sync.WaitGroup
	for range many {
		group.Go(func() {
			ctx := &joining{Context: t.Context(), joined: make(chan struct{})}
			go func() { <-ctx.joined; waiting <- struct{}{} }()
			file, err := c.Fetch(ctx, s, ref, f)
			ctx.Done() // also of the one that waited for nobody
			if err != nil {
				t.Error(err)
				return
			}
			wantContent(t, file, b)
			closed(t, file)
		})
	}
	for range many - 1 {
		<-waiting
	}
	close(goOn)
	<-waiting
	group.Wait()
	if s.count() != 1 {
		t.Errorf("asked for %d times", s.count())
	}
	other := content(2, 5000)
	s.put("b", other)
	closed(t, fetch(t, c, s, "b", other)) // so nobody holds the first one any more
}

// TestDownloadsHaveTheirRoom: what several downloads will need is reserved before
// they begin, so that they stay within the limits together.
func TestDownloadsHaveTheirRoom(t *testing.T) {
	t.Parallel()
	s, dir := newStore(), t.TempDir()
	limits := pull.Limits{Bytes: 3500, Files: 100}
	c := openCache(t, dir, limits)
	for i := range 6 {
		s.put(fmt.Sprint(i), content(i, 1000))
	}
	for i := range 3 { // which make room
		closed(t, fetch(t, c, s, fmt.Sprint(i), content(i, 1000)))
	}
	reading, goOn := make(chan struct{}), make(chan struct{})
	var parts atomic.Int32
	s.during = func() {
		if parts.Add(1) <= 6 {
			reading <- struct{}{}
			<-goOn
		}
	}
	results := make(chan error)
	for i := 3; i < 6; i++ {
		go func() {
			f, err := c.Fetch(t.Context(), s, ref, describe(fmt.Sprint(i), content(i, 1000)))
			if err == nil {
				err = f.Close()
			}
			results <- err
		}()
	}
	for range 2 {
		for range 3 {
			<-reading
		}
		if bytes, names := usage(t, dir); bytes > limits.Bytes {
			t.Errorf("%d bytes in %v", bytes, names)
		}
		if _, err := c.Fetch(t.Context(), s, ref, describe("0", content(0, 1000))); !errors.Is(err, pull.ErrLocal) {
			t.Errorf("a fourth file, without room for it: %v", err)
		}
		for range 3 {
			goOn <- struct{}{}
		}
	}
	for range 3 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// TestLeaderGivesUp: who waits for another's download takes it over when that
// one leaves, and shares its failure else.
func TestLeaderGivesUp(t *testing.T) {
	t.Parallel()
	b := content(1, 5000)
	for _, test := range []struct {
		name  string
		leave bool
		err   error
		reads int
	}{
		{"leaves", true, nil, 2},
		{"fails", false, errCut, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStore()
			f := s.put("a", b)
			c := openCache(t, t.TempDir(), roomy)
			leader, leave := context.WithCancel(t.Context())
			defer leave()
			reading, goOn := make(chan struct{}), make(chan struct{})
			var once sync.Once
			s.during = func() { once.Do(func() { close(reading); <-goOn }) }
			s.cut = 3000
			led := make(chan error, 1)
			go func() {
				_, err := c.Fetch(leader, s, ref, f)
				led <- err
			}()
			<-reading
			followed := make(chan error, 1)
			follower := &joining{Context: t.Context(), joined: make(chan struct{})}
			go func() {
				file, err := c.Fetch(follower, s, ref, f)
				if err == nil {
					err = file.Close()
				}
				followed <- err
			}()
			<-follower.joined
			if test.leave {
				leave()
				s.mu.Lock()
				s.cut = 0
				s.mu.Unlock()
			}
			close(goOn)
			if err := <-led; err == nil || test.leave != errors.Is(err, context.Canceled) {
				t.Errorf("the leader got %v", err)
			}
			if err := <-followed; !errors.Is(err, test.err) {
				t.Errorf("who waited got %v", err)
			}
			if s.count() != test.reads {
				t.Errorf("asked for %d times, want %d", s.count(), test.reads)
			}
		})
	}
}

// joining is a context that tells when somebody waits for its end.
type joining struct {
	context.Context
	once   sync.Once
	joined chan struct{}
}

func (j *joining) Done() <-chan struct{} {
	j.once.Do(func() { close(j.joined) })
	return j.Context.Done()
}

// TestWaitingEnds: who waits may leave, and leaves nothing behind that keeps the
// file.
func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	s := newStore()
	b := content(1, 5000)
	f := s.put("a", b)
	c := openCache(t, t.TempDir(), pull.Limits{Bytes: 5000, Files: 1})
	reading, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.during = func() { once.Do(func() { close(reading); <-goOn }) }
	led := make(chan error, 1)
	go func() {
		file, err := c.Fetch(t.Context(), s, ref, f)
		if err == nil {
			err = file.Close()
		}
		led <- err
	}()
	<-reading
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := c.Fetch(ctx, s, ref, f); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	short, cancel := context.WithCancel(t.Context())
	follower := &joining{Context: short, joined: make(chan struct{})}
	followed := make(chan error, 1)
	go func() {
		_, err := c.Fetch(follower, s, ref, f)
		followed <- err
	}()
	<-follower.joined
	cancel()
	if err := <-followed; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(goOn)
	if err := <-led; err != nil {
		t.Fatal(err)
	}
	other := content(2, 5000)
	s.put("b", other)
	closed(t, fetch(t, c, s, "b", other))
}
