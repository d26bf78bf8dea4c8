package huggingface_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
	"finest/hub/huggingface"
)

const chunk = 1000

// inChunks lets the hub take larger files in parts.
func inChunks(o *devhub.Options) { o.ChunkSize = chunk }

// replacing changes the text of a reply, which must match.
func replacing(t testing.TB, pattern, with string) func(http.Header, []byte) (int, http.Header, []byte) {
	re := regexp.MustCompile(pattern)
	return func(h http.Header, b []byte) (int, http.Header, []byte) {
		if !re.Match(b) {
			t.Errorf("nothing like %s in %s", pattern, b)
		}
		return 0, h, re.ReplaceAll(b, []byte(with))
	}
}

func TestTransferSizes(t *testing.T) {
	for _, tc := range []struct {
		name  string
		size  int
		parts int
	}{
		{"a byte", 1, 0},
		{"chunk - 1", chunk - 1, 0},
		{"chunk", chunk, 0},
		{"chunk + 1", chunk + 1, 2},
		{"two chunks", 2 * chunk, 2},
		{"many chunks", 30 * chunk, 30},
		{"many and a byte", 30*chunk + 1, 31},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(t, inChunks)
			add := []hub.Source{hub.Bytes("a.parquet", []byte(text(tc.size)))}
			sha, err := s.c.Publish(t.Context(), s.publication(add...))
			s.wantPublished(sha, err, add)
			parts := s.requests(toParts)
			if basic := s.count(toObjects) == 1; len(parts) != tc.parts || basic != (tc.parts == 0) || s.count(toComplete) != min(1, tc.parts) {
				t.Errorf("%d parts, %d whole objects, %d completions", len(parts), s.count(toObjects), s.count(toComplete))
			}
			total := int64(0)
			for _, r := range append(parts, s.requests(toObjects)...) {
				total += r.Received
				if r.Header.Get("Authorization") != "" || r.Header.Get("Content-Length") != fmt.Sprint(r.Received) {
					t.Errorf("a part of %d bytes is sent with %v", r.Received, r.Header)
				}
			}
			if total != int64(tc.size) {
				t.Errorf("%d bytes were sent, of %d", total, tc.size)
			}
			for _, r := range s.requests(toComplete) {
				if r.Header.Get("Authorization") != "" || r.Header.Get("Content-Type") != "application/vnd.git-lfs+json" {
					t.Errorf("the completion is sent with %v", r.Header)
				}
			}
		})
	}
}

// What storage does once does no harm, and is not paid for with more than the
// part that it concerns.
func TestTransferInTrouble(t *testing.T) {
	unavailable := func(m devhub.Match) func(*devhub.Faults) {
		return func(f *devhub.Faults) { f.Reply(m, 2, http.StatusServiceUnavailable, nil, "SlowDown") }
	}
	for _, tc := range []struct {
		name  string
		fault func(f *devhub.Faults)
		puts  int // requests for the 3 parts and the object of one
	}{
		{"padded numbers", func(f *devhub.Faults) { f.Rewrite(toBatch, 1, replacing(t, `"([123])":`, `"0000$1":`)) }, 4},
		{"chunk size as a number", func(f *devhub.Faults) {
			f.Rewrite(toBatch, 1, replacing(t, `"chunk_size": *"1000"`, `"chunk_size":1000`))
		}, 4},
		{"no name of the transfer", func(f *devhub.Faults) { f.Rewrite(toBatch, 1, replacing(t, `"transfer": *"multipart"`, `"x":""`)) }, 4},
		{"part unavailable", unavailable(toParts), 6},
		{"object unavailable", unavailable(toObjects), 6},
		{"completion unavailable", unavailable(toComplete), 4},
		{"verify unavailable", unavailable(toVerify), 4},
		{"batch unavailable", unavailable(toBatch), 4},
		{"preupload unavailable", unavailable(toPreupload), 4},
		{"part cut", func(f *devhub.Faults) { f.CutUpload(toParts, 2, chunk/2) }, 6},
		{"object cut", func(f *devhub.Faults) { f.CutUpload(toObjects, 2, 100) }, 6},
		{"reply about a part lost", func(f *devhub.Faults) { f.Drop(toParts, 1) }, 5},
		{"reply about an object lost", func(f *devhub.Faults) { f.Drop(toObjects, 1) }, 5},
		{"reply about the completion lost", func(f *devhub.Faults) { f.Drop(toComplete, 1) }, 4},
		{"reply to the batch cut", func(f *devhub.Faults) { f.CutAfter(toBatch, 2, 50) }, 4},
		{"URLs of the Hub itself, through a mirror", func(f *devhub.Faults) {
			f.Rewrite(toBatch, 1, replacing(t, `http://127\.0\.0\.1:[0-9]+/(datasets|api)/`, `https://huggingface.co/$1/`))
		}, 4},
		{"object expired", func(f *devhub.Faults) { f.Reply(toObjects, 1, http.StatusForbidden, nil, "expired") }, 5},
		{"completion refused", func(f *devhub.Faults) { f.Reply(toComplete, 1, http.StatusNotFound, nil, "NoSuchUpload") }, 7},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(t, inChunks)
			tc.fault(s.Server.Faults())
			add := []hub.Source{hub.Bytes("three.parquet", []byte(text(3*chunk))), hub.Bytes("one.parquet", []byte(text(chunk)))}
			sha, err := s.c.Publish(t.Context(), s.publication(add...))
			s.wantPublished(sha, err, add)
			if n := s.count(toParts) + s.count(toObjects); n != tc.puts {
				t.Errorf("%d parts and objects were sent, want %d", n, tc.puts)
			}
		})
	}
}

// A part whose URL has expired makes the whole object begin again, with new URLs.
func TestTransferOfExpiredPart(t *testing.T) {
	s := newScene(t, inChunks)
	s.Server.Faults().Reply(devhub.Match{Method: http.MethodPut, Path: "/parts/[^/]+/2$"}, 1, http.StatusForbidden, nil, "expired")
	add := []hub.Source{hub.Bytes("a.parquet", []byte(text(3*chunk)))}
	sha, err := s.c.Publish(t.Context(), s.publication(add...))
	s.wantPublished(sha, err, add)
	if n := s.count(toBatch); n != 2 {
		t.Errorf("%d batches, want 2", n)
	}
}

// What storage does for ever ends in a bounded number of requests, an error that
// says later it may work, and no commit.
func TestTransferFails(t *testing.T) {
	reply := func(m devhub.Match, status int) func(*devhub.Faults) {
		return func(f *devhub.Faults) { f.Reply(m, always, status, nil, "no") }
	}
	for _, tc := range []struct {
		name  string
		fault func(f *devhub.Faults)
		match devhub.Match
		most  int // requests that match
		want  string
	}{
		{"object unavailable", reply(toObjects, http.StatusServiceUnavailable), toObjects, 6, "503"},
		{"part unavailable", reply(devhub.Match{Method: http.MethodPut, Path: "/parts/[^/]+/2$"}, http.StatusInternalServerError), toParts, 8, "500"},
		{"object refused", reply(toObjects, http.StatusForbidden), toObjects, 2, "403"},
		{"completion refused", reply(toComplete, http.StatusBadRequest), toComplete, 2, "400"},
		{"completion unavailable", reply(toComplete, http.StatusBadGateway), toComplete, 6, "502"},
		{"verify refused", reply(toVerify, http.StatusNotFound), toVerify, 2, "verify"},
		{"verify unavailable", reply(toVerify, http.StatusBadGateway), toVerify, 12, "verify"},
		{"object always cut", func(f *devhub.Faults) { f.CutUpload(toObjects, always, 10) }, toObjects, 6, ""},
		{"no ETag", func(f *devhub.Faults) {
			f.Rewrite(toParts, always, func(h http.Header, b []byte) (int, http.Header, []byte) { h.Del("ETag"); return 0, h, b })
		}, toParts, 3, "no ETag"},
		{"endless ETag", func(f *devhub.Faults) {
			f.Rewrite(toParts, always, func(h http.Header, b []byte) (int, http.Header, []byte) {
				h.Set("ETag", strings.Repeat("x", 5000))
				return 0, h, b
			})
		}, toParts, 3, "no ETag"},
		{"a part too few", func(f *devhub.Faults) { f.Rewrite(toBatch, always, replacing(t, `"3":`, `"x":`)) }, toParts, 0, "part 3 of 3 is missing"},
		{"a part too many", func(f *devhub.Faults) {
			f.Rewrite(toBatch, always, replacing(t, `"3":`, `"4":"http://127.0.0.1/4","3":`))
		}, toParts, 0, "part 4 of"},
		{"another size of parts", func(f *devhub.Faults) {
			f.Rewrite(toBatch, always, replacing(t, `"chunk_size": *"1000"`, `"chunk_size":"999"`))
		}, toParts, 0, "part 4 of 4 is missing"},
		{"an object refused", func(f *devhub.Faults) {
			f.Rewrite(toBatch, always, replacing(t, `"actions":`, `"error":{"code":503,"message":"not now"},"actions":`))
		}, toParts, 0, "not now"},
		{"no URL", func(f *devhub.Faults) {
			f.Rewrite(toBatch, always, replacing(t, `"href": *"[^"]*"`, `"href":"javascript:1"`))
		}, toParts, 0, "URL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(t, inChunks)
			tc.fault(s.Server.Faults())
			add := []hub.Source{hub.Bytes("three.parquet", []byte(text(3*chunk))), hub.Bytes("one.parquet", []byte(text(chunk)))}
			_, err := s.c.Publish(t.Context(), s.publication(add...))
			if !errors.Is(err, hub.ErrUnavailable) || errors.Is(err, hub.ErrDenied) || errors.Is(err, hub.ErrNotFound) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v", err)
			}
			if n := s.count(tc.match); n > tc.most {
				t.Errorf("%d requests, at most %d are wanted", n, tc.most)
			}
			if s.count(toCommit) != 0 {
				t.Error("a commit was sent")
			}
			s.Server.Faults().Clear()
			sha, err := s.c.Publish(t.Context(), s.publication(add...))
			s.wantPublished(sha, err, add)
		})
	}
}

// secondTime is a source that reads well once, for its hash, and then not.
func secondTime(path string, size int, read func(p []byte, off int64) (int, error)) hub.Source {
	src := hub.Bytes(path, []byte(text(size)))
	opened := new(atomic.Int32)
	open := src.Open
	src.Open = func() (hub.Content, error) {
		c, err := open()
		if opened.Add(1) > 2 { // the first is for the sample, the second for the hash
			return rotten{c, read}, err
		}
		return c, err
	}
	return src
}

type rotten struct {
	hub.Content
	read func(p []byte, off int64) (int, error)
}

func (r rotten) ReadAt(p []byte, off int64) (int, error) { return r.read(p, off) }

// A source that breaks while it is sent is not the hub's fault, and no reason to
// try again.
func TestTransferOfBrokenSource(t *testing.T) {
	disk := errors.New("disk is gone")
	for name, tc := range map[string]struct {
		read func(p []byte, off int64) (int, error)
		want error
	}{
		"fails":   {func([]byte, int64) (int, error) { return 0, disk }, disk},
		"shrinks": {func(p []byte, off int64) (int, error) { return 0, io.EOF }, hub.ErrCorrupt},
		"fails half-way": {func(p []byte, off int64) (int, error) {
			if off > 0 {
				return 0, disk
			}
			return 1, nil
		}, disk},
	} {
		for _, path := range []string{"a.parquet", "parts.parquet", "regular.txt"} {
			t.Run(name+", "+path, func(t *testing.T) {
				s := newScene(t, inChunks)
				size := chunk
				if path == "parts.parquet" {
					size = 5 * chunk
				}
				_, err := s.c.Publish(t.Context(), s.publication(secondTime(path, size, tc.read)))
				if !errors.Is(err, tc.want) || errors.Is(err, hub.ErrUnavailable) {
					t.Errorf("error %v, want %v", err, tc.want)
				}
				if n := s.count(toObjects) + s.count(toCommit); n > 1 {
					t.Errorf("it was tried %d times", n)
				}
				s.wantNothing()
			})
		}
	}
}

// Progress counts every byte once, however often it is sent, and comes one call
// at a time.
func TestProgress(t *testing.T) {
	for name, fault := range map[string]func(*devhub.Faults){
		"no trouble":    func(*devhub.Faults) {},
		"part again":    func(f *devhub.Faults) { f.CutUpload(toParts, 2, chunk/2) },
		"object again":  func(f *devhub.Faults) { f.Reply(toObjects, 1, http.StatusForbidden, nil, "") },
		"parts expired": func(f *devhub.Faults) { f.Reply(toParts, 1, http.StatusForbidden, nil, "") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, inChunks)
			fault(s.Server.Faults())
			var last huggingface.Progress
			var calls, done int
			var inside atomic.Int32
			c := devhubtest.Dial(t, s.Endpoint, func(o *huggingface.Options) {
				o.Progress = func(p huggingface.Progress) {
					if inside.Add(1) != 1 {
						t.Error("two calls at once")
					}
					defer inside.Add(-1)
					calls++
					if p.Sent < 0 || p.Sent > p.Size || p.Done < done || p.Repo != s.repo || p.Path == "" {
						t.Errorf("progress %+v after %+v", p, last)
					}
					last, done = p, p.Done
				}
			})
			stored := hub.Bytes("stored.parquet", []byte("is there"))
			if err := s.c.Upload(t.Context(), s.repo, []hub.Source{stored}); err != nil {
				t.Fatal(err)
			}
			add := []hub.Source{
				hub.Bytes("five.parquet", []byte(text(5*chunk))), hub.Bytes("one.parquet", []byte(text(chunk))),
				hub.Bytes("again.parquet", []byte(text(chunk))), stored, hub.Bytes("regular", []byte("in the commit")),
			}
			sha, err := c.Publish(t.Context(), s.publication(add...))
			s.wantPublished(sha, err, add)
			if size := int64(6*chunk + 8); last.Sent != size || last.Size != size || last.Done != 3 || last.Objects != 3 || calls < 3 {
				t.Errorf("progress ends with %+v after %d calls", last, calls)
			}
		})
	}
}

// Several calls of a client tell of their progress one after the other, too.
func TestProgressOfSeveralCalls(t *testing.T) {
	s := newScene(t)
	var calls, inside atomic.Int32
	c := devhubtest.Dial(t, s.Endpoint, func(o *huggingface.Options) {
		o.Progress = func(huggingface.Progress) {
			if inside.Add(1) != 1 {
				t.Error("two calls at once")
			}
			for range 100 {
				runtime.Gosched()
			}
			calls.Add(1)
			inside.Add(-1)
		}
	})
	const many = 8
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			if err := c.Upload(t.Context(), s.repo, []hub.Source{hub.Bytes("a.parquet", []byte(text(chunk+i)))}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if calls.Load() < many {
		t.Errorf("%d calls for %d objects", calls.Load(), many)
	}
}

// No more is transferred at once than was asked for, over all calls.
func TestTransfersAtOnce(t *testing.T) {
	s := newScene(t, inChunks)
	var now, most atomic.Int32
	c := devhubtest.Dial(t, s.Endpoint, func(o *huggingface.Options) {
		o.Parallel = 2
		carrier := o.HTTP.Transport
		o.HTTP.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPut {
				n := now.Add(1)
				defer now.Add(-1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
			}
			return carrier.RoundTrip(r)
		})
	})
	errs := make(chan error)
	for i := range 3 {
		go func() {
			errs <- c.Upload(t.Context(), s.repo, []hub.Source{
				hub.Bytes("a.parquet", []byte(text(10*chunk+i))), hub.Bytes("b.parquet", []byte(text(5*chunk+i))),
			})
		}()
	}
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := most.Load(); got != 2 {
		t.Errorf("%d transfers at once, want 2", got)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
