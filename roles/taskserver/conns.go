package taskserver

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// connections bounds the connections of a server. When there are too many, one
// gives way that is not being answered: the oldest of those whose request is not
// here in whole, or of those between two requests, whichever are more. So
// clients that open connections and send little (Slowloris), or nothing more,
// crowd out each other.
type connections struct {
	max int

	mu   sync.Mutex
	open map[net.Conn]*connection
	// partial holds, oldest first, the connections whose request is not here in
	// whole, idle those between two requests.
	partial, idle list.List
	evicted       uint64
	// loads holds what large bodies and answers take in memory, what has made no
	// progress for longest first; loaded is their sum.
	loads  list.List
	loaded int
}

// connection is one of them; place is its element in a list, nil while its
// request is being answered.
type connection struct {
	conn  net.Conn
	in    *list.List
	place *list.Element
}

func newConnections(limit int) *connections {
	return &connections{max: limit, open: make(map[net.Conn]*connection)}
}

// changed is a http.Server's ConnState. StateActive comes when a header has been
// read.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.add(conn)
	case http.StateIdle:
		if known, ok := c.open[conn]; ok {
			known.moveTo(&c.idle)
		}
	case http.StateActive:
		if known, ok := c.open[conn]; ok {
			known.moveTo(&c.partial)
		}
	case http.StateClosed, http.StateHijacked:
		if known, ok := c.open[conn]; ok {
			known.moveTo(nil)
			delete(c.open, conn)
		}
	}
}

func (c *connections) add(conn net.Conn) {
	if len(c.open) >= c.max && !c.evict() {
		_ = conn.Close() // all others are being answered
		c.evicted++
		return
	}
	added := &connection{conn: conn}
	added.moveTo(&c.partial)
	c.open[conn] = added
}

// evict closes one connection, if there is one that is not being answered.
func (c *connections) evict() bool {
	from := &c.partial
	if c.idle.Len() > from.Len() {
		from = &c.idle
	}
	oldest := from.Front()
	if oldest == nil {
		return false
	}
	gone := oldest.Value.(*connection)
	gone.moveTo(nil)
	delete(c.open, gone.conn)
	_ = gone.conn.Close()
	c.evicted++
	return true
}

// moveTo puts the connection at the end of a list; nil for none.
func (c *connection) moveTo(to *list.List) {
	if c.place != nil {
		c.in.Remove(c.place)
	}
	c.in, c.place = to, nil
	if to != nil {
		c.place = to.PushBack(c)
	}
}

// whole says that the request under way on conn has arrived in whole.
func (c *connections) whole(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.open[conn]; ok {
		known.moveTo(nil)
	}
}

// count returns how many connections are open, and how many had to give way.
func (c *connections) count() (open int, evicted uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open), c.evicted
}
