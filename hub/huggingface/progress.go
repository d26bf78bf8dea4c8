package huggingface

import (
	"io"
	"sync"
)

// Progress is how far one Upload or Publish has come with its LFS objects.
type Progress struct {
	Repo string
	// Path is the file that was sent last.
	Path string
	// Sent of Size bytes are at the hub, or were there before. Sent falls back
	// when a part is sent again.
	Sent, Size int64
	// Done of Objects are stored.
	Done, Objects int
}

// oneByOne lets tell be called by one goroutine at a time: several calls of a
// client may send at once.
func oneByOne(tell func(Progress)) func(Progress) {
	var mu sync.Mutex
	return func(p Progress) {
		mu.Lock()
		defer mu.Unlock()
		tell(p)
	}
}

// progressStep is how many bytes pass between two reports.
const progressStep = 1 << 20

// tally adds up what all objects of one call have sent. Reports are made one at
// a time.
type tally struct {
	report func(Progress) // nil: nobody listens
	mu     sync.Mutex
	now    Progress
	told   int64 // Sent of the last report
}

// add counts n more bytes of path, or fewer, and done more objects.
func (t *tally) add(path string, n int64, done int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Path = path
	t.now.Sent += n
	t.now.Done += done
	if t.report == nil || done == 0 && max(t.now.Sent-t.told, t.told-t.now.Sent) < progressStep {
		return
	}
	t.told = t.now.Sent
	t.report(t.now)
}

// meter counts the bytes of one object into the tally of its call.
type meter struct {
	tally *tally
	path  string
	mu    sync.Mutex
	sent  int64
}

func (m *meter) add(n int64) {
	m.mu.Lock()
	m.sent += n
	m.mu.Unlock()
	m.tally.add(m.path, n, 0)
}

// settle counts the object as stored, all size bytes of it.
func (m *meter) settle(size int64) {
	m.mu.Lock()
	rest := size - m.sent
	m.sent = size
	m.mu.Unlock()
	m.tally.add(m.path, rest, 1)
}

// reset forgets what was sent: the object begins again.
func (m *meter) reset() {
	m.mu.Lock()
	sent := m.sent
	m.sent = 0
	m.mu.Unlock()
	m.tally.add(m.path, -sent, 0)
}

// part counts one request's body.
func (m *meter) part() *counter { return &counter{meter: m} }

// counter counts the body of a request that may be sent several times; of those
// only the last counts.
type counter struct {
	meter *meter
	mu    sync.Mutex
	turn  int
	sent  int64
}

// from returns r, counted, and takes back what was counted before.
func (c *counter) from(r io.Reader) io.Reader {
	c.mu.Lock()
	c.turn++
	turn, sent := c.turn, c.sent
	c.sent = 0
	c.mu.Unlock()
	c.meter.add(-sent)
	return &counted{r, c, turn}
}

type counted struct {
	io.Reader
	counter *counter
	turn    int
}

func (r *counted) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.counter.mu.Lock()
	current := r.turn == r.counter.turn
	if current {
		r.counter.sent += int64(n)
	}
	r.counter.mu.Unlock()
	if current {
		r.counter.meter.add(int64(n))
	}
	return n, err
}
