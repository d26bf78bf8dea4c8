package miner_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"finest/hub"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/miner"
)

// slowHub takes its time for every file. Time is that of the test's bubble.
type slowHub struct {
	hub.Hub
	perFile time.Duration
	sent    []string
	atOnce  []int // files of each call
	err     error
}

func (h *slowHub) EnsureRepo(context.Context, string) error { return nil }

func (h *slowHub) Upload(ctx context.Context, _ string, contents []hub.Source) error {
	h.atOnce = append(h.atOnce, len(contents))
	for _, c := range contents {
		select {
		case <-time.After(h.perFile):
		case <-ctx.Done():
			return ctx.Err()
		}
		if h.err != nil {
			return h.err
		}
		h.sent = append(h.sent, c.Path)
	}
	return nil
}

// Writing and sending take as long as the longer of the two and one file.
func TestElapsedIsTheLonger(t *testing.T) {
	const files = 8
	for name, tt := range map[string]struct{ write, send, most time.Duration }{
		"slow writer": {write: 10 * time.Second, send: 7 * time.Second, most: files*10*time.Second + 7*time.Second},
		"slow hub":    {write: 7 * time.Second, send: 10 * time.Second, most: files*10*time.Second + 7*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &slowHub{perFile: tt.send}
				started := time.Now()
				stored := miner.SendAhead(t.Context(), miner.Options{Hub: h, Log: zerolog.Nop()}, func(finished func(contract.OutputFile)) {
					for i := range files {
						time.Sleep(tt.write)
						finished(contract.OutputFile{Path: fmt.Sprint(i)})
					}
				})
				if took := time.Since(started); took != tt.most {
					t.Errorf("it took %s, want %s", took, tt.most)
				}
				if len(h.sent) != files || len(stored) != files || !slices.IsSorted(h.sent) {
					t.Errorf("sent %q, stored %v", h.sent, stored)
				}
			})
		})
	}
}

// However slow the hub is, writing does not wait for it, and what is finished
// meanwhile goes in one call. What finds no room is left out.
func TestSendingNeverHoldsUpWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &slowHub{perFile: time.Minute}
		started := time.Now()
		stored := miner.SendAhead(t.Context(), miner.Options{Hub: h, Log: zerolog.Nop()}, func(finished func(contract.OutputFile)) {
			finished(contract.OutputFile{Path: "first"})
			synctest.Wait() // it is being sent
			for i := range 1000 {
				finished(contract.OutputFile{Path: fmt.Sprint(i)})
			}
			if took := time.Since(started); took != 0 {
				t.Errorf("writing took %s", took)
			}
		})
		if n := len(stored); n != 65 || !slices.Equal(h.atOnce, []int{1, 64}) {
			t.Errorf("%d files are stored, sent in calls of %d", n, h.atOnce)
		}
	})
}

// What cannot be sent is not taken for sent, a hub that is away is asked again,
// and an end of the work ends the sending.
func TestSendingAheadFails(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		calls  int
		waited time.Duration // at least
	}{
		"for good":     {err: hub.ErrDenied, calls: 1},
		"hub is away":  {err: hub.ErrUnavailable, calls: 30, waited: miner.DefaultPatience},
		"work is over": {err: context.Canceled, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &slowHub{err: tt.err}
				started := time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				stored := miner.SendAhead(ctx, miner.Options{Hub: h, Log: zerolog.Nop()}, func(finished func(contract.OutputFile)) {
					if errors.Is(tt.err, context.Canceled) {
						h.perFile = time.Hour
						time.AfterFunc(time.Minute, cancel)
					}
					finished(contract.OutputFile{Path: "a"})
					synctest.Wait()
					finished(contract.OutputFile{Path: "b"})
				})
				if stored["a"] || stored["b"] || len(h.sent) > 0 {
					t.Errorf("stored %v", stored)
				}
				if took := time.Since(started); took < tt.waited || took > tt.waited*5/2+time.Minute || len(h.atOnce) < 1 || len(h.atOnce) > 2*tt.calls {
					t.Errorf("it took %s and %d calls", took, len(h.atOnce))
				}
				cancel()
			})
		})
	}
}

// Shards are on the hub before the manifest is signed, and what could not be sent
// ahead is sent before the log is held.
func TestSentAhead(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]int32{"as it should be": 0, "sending ahead fails": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.shards = 3
			var left atomic.Int32
			left.Store(fails)
			w.hubErr = func(op string) error {
				if op == "upload" && left.Add(-1) >= 0 {
					return hub.ErrTooLarge
				}
				return nil
			}
			w.submitsTask(0)
			var got []string
			for _, step := range w.fault.names {
				for _, kind := range []string{"write", "hub upload", `journal "{\"manifest\"`, `journal "{\"step\":\"stored\"`, "hub publish"} {
					if strings.HasPrefix(step, kind) {
						got = append(got, strings.TrimPrefix(kind, "journal "))
					}
				}
			}
			want := []string{"write", "hub upload", "write", "hub upload", "write", "hub upload", "write", "hub upload"}
			if fails > 0 {
				want = []string{"write", "hub upload", "write", "write", "write"}
			}
			want = append(want, `"{\"manifest\"`)
			if fails > 0 {
				want = append(want, "hub upload")
			}
			want = append(want, `"{\"step\":\"stored\"`, "hub publish")
			if !slices.Equal(got, want) {
				t.Errorf("steps %q, want %q", got, want)
			}
			if twice := sentTwice(w.hub); len(twice) > 0 {
				t.Errorf("sent more than once: %v", twice)
			}
		})
	}
}

// A task of more files than one commit takes has its line in the log with the
// last of them, also if the hub goes away in between.
func TestMoreFilesThanACommitTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tasks, w.shards = 1, 130
	commits := 0
	flaky := func(o *miner.Options) {
		o.Hub = &faultyHub{w.dialThrough(func(send roundTripper, r request) (response, error) {
			if r.Method == "POST" && strings.Contains(r.URL.Path, "/commit/") {
				if commits++; commits > 1 {
					return nil, errors.New("the line is down")
				}
			}
			return send(r)
		}), w}
	}
	if out, err := w.once(flaky); !errors.Is(err, hub.ErrUnavailable) {
		t.Fatalf("outcome %+v, error %v", out, err)
	}
	if all := w.commits(repo); len(all) != 1 || all[0].files[contract.LogPath] != nil {
		t.Fatalf("%d commits, or a log too early", len(all))
	}
	w.submitsTask(0)
	all := w.commits(repo)
	if len(all) != 2 || all[1].parent != all[0].sha || all[1].files[contract.LogPath] == nil {
		t.Fatalf("%d commits", len(all))
	}
	if claims, _ := w.claims(); len(claims) != 1 || claims[0].Commit != all[1].sha || claims[0].LogSHA256 != canon.Sum(all[1].files[contract.LogPath]) {
		t.Errorf("claims %v", claims)
	}
}
