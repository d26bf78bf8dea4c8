package submission_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/submission"
)

// logOf returns a claim log with a line for each letter.
func logOf(tasks string) []byte {
	var log []byte
	for _, task := range tasks {
		log = append(log, contract.LogLine{
			Task: contract.TaskID("CC-TEST-2026-47", int(task)), Generation: 1, Manifest: strings.Repeat("a", 64),
		}.Encode()...)
	}
	return log
}

// history is the claims of one hotkey and the state of its publications.
type history struct {
	claims []submission.Claimed
	logs   map[string][]byte // what the commits hold
	errs   map[string]error  // of commits that give no log
	reads  int
	bound  []submission.Bound
}

func newHistory() *history {
	return &history{logs: map[string][]byte{}, errs: map[string]error{}}
}

// claim adds a claim of a log at the next block.
func (h *history) claim(log []byte) *submission.Claimed {
	n := len(h.claims) + 1
	c := contract.Claim{Repo: "miner/finest", Commit: fmt.Sprintf("%040d", n), LogSHA256: canon.Sum(log)}
	h.logs[c.Commit] = log
	h.claims = append(h.claims, submission.Claimed{Block: uint64(n), Claim: c, State: submission.Pending})
	return &h.claims[n-1]
}

// lose makes the log of claim i give err.
func (h *history) lose(i int, err error) { h.errs[h.claims[i].Claim.Commit] = err }

func (h *history) advance(t testing.TB) {
	t.Helper()
	bound, err := submission.Advance(t.Context(), h.claims, func(_ context.Context, c submission.Claimed) ([]byte, error) {
		h.reads++
		if err := h.errs[c.Claim.Commit]; err != nil {
			return nil, err
		}
		return h.logs[c.Claim.Commit], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h.bound = append(h.bound, bound...)
}

func (h *history) states() string {
	var out []string
	for _, c := range h.claims {
		out = append(out, c.State)
	}
	return strings.Join(out, " ")
}

// tasks writes what was bound as letters with their blocks: "a1 b1 c2".
func (h *history) tasks() string {
	var out []string
	for _, b := range h.bound {
		var n int
		_, _ = fmt.Sscanf(b.Line.Task, "CC-TEST-2026-47-%d", &n)
		out = append(out, fmt.Sprintf("%c%d", n, b.Block))
	}
	return strings.Join(out, " ")
}

var errDown = errors.New("the hub is down")

func TestAdvance(t *testing.T) {
	gone := fmt.Errorf("%w: gone", submission.ErrNoLog)
	for _, test := range []struct {
		name, logs string // one word a claim
		lost       map[int]error
		states     string
		tasks      string
	}{
		{"one claim", "ab", nil, "valid", "a1 b1"},
		{"growing log", "a ab abc", nil, "valid valid valid", "a1 b2 c3"},
		{"same log again", "a a ab", nil, "valid valid valid", "a1 b3"},
		{"rewritten log", "ab xb abc", nil, "valid void valid", "a1 b1 c3"},
		{"shorter log", "ab a abc", nil, "valid void valid", "a1 b1 c3"},
		{"everything anew", "ab xyz", nil, "valid void", "a1 b1"},
		{"oldest unreadable", "a ab", map[int]error{0: errDown}, "valid valid", "a1 b2"},
		{"all but the newest unreadable", "a ab abc", map[int]error{0: errDown, 1: gone}, "valid valid valid", "a1 b2 c3"},
		{"newest unreadable", "a ab", map[int]error{1: errDown}, "valid pending", "a1"},
		{"one that is waited for", "a xyz", map[int]error{0: errDown}, "pending pending", ""},
		{"one that is not waited for", "a xyz", map[int]error{0: gone}, "void valid", "x2 y2 z2"},
		{"unreadable and shorter", "ab a abc", map[int]error{1: gone}, "valid void valid", "a1 b1 c3"},
		{"unread is not void yet", "a", map[int]error{0: gone}, "unread", ""},
		{"waiting behind two", "a ab x", map[int]error{0: errDown, 1: errDown}, "pending pending pending", ""},
		{"a void one does not help", "ab x abc xy", map[int]error{1: errDown, 3: errDown}, "valid pending pending pending", "a1 b1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHistory()
			for _, log := range strings.Fields(test.logs) {
				h.claim(logOf(log))
			}
			for i, err := range test.lost {
				h.lose(i, err)
			}
			h.advance(t)
			if got := h.states(); got != test.states {
				t.Errorf("states %q, want %q", got, test.states)
			}
			if got := h.tasks(); got != test.tasks {
				t.Errorf("tasks %q, want %q", got, test.tasks)
			}
			h.advance(t) // nothing new
			if got := h.tasks(); got != test.tasks {
				t.Errorf("tasks after the second time %q, want %q", got, test.tasks)
			}
		})
	}
}

func TestAdvanceReadsOneLogOfMany(t *testing.T) {
	h := newHistory()
	for n := range 200 {
		h.claim(logOf(strings.Repeat("a", n+1)))
	}
	h.advance(t)
	if h.reads != 1 || len(h.bound) != 200 {
		t.Errorf("%d reads bind %d lines", h.reads, len(h.bound))
	}
}

func TestBadLogsAreVoid(t *testing.T) {
	for _, log := range []string{"{}\n", "text", string(logOf("ab"))[:120], "\n"} {
		h := newHistory()
		h.claim([]byte(log))
		h.advance(t)
		if h.claims[0].State != submission.Void || h.claims[0].Reason == "" {
			t.Errorf("log %.40q is %s: %s", log, h.claims[0].State, h.claims[0].Reason)
		}
	}
}

func TestEmptyLogIsALog(t *testing.T) {
	h := newHistory()
	h.claim(nil)
	h.claim(logOf("a"))
	h.advance(t)
	if h.states() != "valid valid" || h.tasks() != "a2" {
		t.Errorf("states %q, tasks %q", h.states(), h.tasks())
	}
}

func TestAdvanceEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("stopped")
	h := newHistory()
	h.claim(logOf("a"))
	_, err := submission.Advance(ctx, h.claims, func(context.Context, submission.Claimed) ([]byte, error) {
		cancel(cause)
		return nil, ctx.Err()
	})
	if !errors.Is(err, cause) {
		t.Errorf("ended with %v", err)
	}
}

// TestAdvanceDoesNotDependOnWhen: whatever can be read when, as long as it is
// known of every log in the end whether it can be read, claims and tasks are
// those of reading everything at once, or block by block.
func TestAdvanceDoesNotDependOnWhen(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		logs := rapid.SliceOfN(rapid.StringMatching(`(a(b(c(d(e)?)?)?)?|abx|x)?`), 1, 7).Draw(rt, "logs")
		whole := newHistory()
		byBlock := newHistory()
		erratic := newHistory()
		for i, log := range logs {
			gone := rapid.IntRange(0, 3).Draw(rt, "gone") == 0
			for _, h := range []*history{whole, byBlock, erratic} {
				h.claim(logOf(log))
				if gone {
					h.lose(i, submission.ErrNoLog)
				}
			}
			byBlock.advance(t)
			for j := range i + 1 {
				if errors.Is(erratic.errs[erratic.claims[j].Claim.Commit], submission.ErrNoLog) {
					continue
				}
				erratic.lose(j, nil)
				if rapid.Bool().Draw(rt, "lost") {
					erratic.lose(j, errDown)
				}
			}
			erratic.advance(t)
		}
		whole.advance(t)
		erratic.errs = whole.errs
		erratic.advance(t)
		for _, h := range []*history{byBlock, erratic} {
			if h.states() != whole.states() || !slices.Equal(h.bound, whole.bound) {
				rt.Fatalf("logs %q: states %q and tasks %q, at once %q and %q", logs, h.states(), h.tasks(), whole.states(), whole.tasks())
			}
		}
	})
}
