package devhub

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"finest/hub/localhub"
)

// Server serves the repositories of a local hub. As an http.Handler it is the
// API and the storage in one host; Listen gives the storage a host of its own.
type Server struct {
	store   *localhub.Hub
	o       Options
	faults  Faults
	key     []byte // signs URLs of the storage
	api     http.Handler
	storage http.Handler
	ids     atomic.Uint64  // of requests
	serving atomic.Int64   // requests
	active  sync.RWMutex   // read-locked by each request
	ending  sync.WaitGroup // of uploads in the background
	commits chan struct{}  // holds one for each commit that is being read

	mu      sync.Mutex
	granted map[string]bool     // "repo user" that may read a gated repository
	texts   map[string]pullText // by repository and number
	uploads map[string]*upload  // under way, by id
	port    string              // of the storage; "" for that of the API
	listed  listing             // the last large one
	running *running            // nil while nothing listens
	closed  bool
}

// maxCommits bounds the commits that are read at the same time.
const maxCommits = 4

// New returns a server over store, which may be in use by others.
func New(store *localhub.Hub, o Options) *Server {
	o.defaults()
	s := &Server{
		store: store, o: o, key: make([]byte, 32), commits: make(chan struct{}, maxCommits),
		granted: map[string]bool{}, texts: map[string]pullText{}, uploads: map[string]*upload{},
	}
	_, _ = rand.Read(s.key) // never fails
	s.api = s.logged(s.faults.wrap(s.announce(s.routes())))
	s.storage = s.logged(s.faults.wrap(s.storageRoutes()))
	return s
}

// Faults returns what can go wrong.
func (s *Server) Faults() *Faults { return &s.faults }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.storagePort() == "" && strings.HasPrefix(r.URL.Path, storagePrefix) {
		s.serveStorage(w, r)
		return
	}
	s.serveAPI(w, r)
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	if s.admits(w, r) {
		s.api.ServeHTTP(w, r)
	}
}

func (s *Server) serveStorage(w http.ResponseWriter, r *http.Request) {
	if s.admits(w, r) {
		s.storage.ServeHTTP(w, r)
	}
}

// maxAtOnce bounds the requests that are served at the same time.
const maxAtOnce = 512

// logged bounds the requests that are served, lets Close wait for them and tells
// the log of each.
// Queries hold signatures and stay out of it.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.active.RLock()
		defer s.active.RUnlock()
		defer s.serving.Add(-1)
		if s.serving.Add(1) > maxAtOnce {
			w.Header().Set("Retry-After", "1")
			writeProblem(w, refuse(http.StatusServiceUnavailable, "too many requests at the same time"))
			return
		}
		began := s.o.Now()
		defer func() {
			s.o.Log.Debug().Str("method", r.Method).Str("host", r.Host).Str("path", r.URL.EscapedPath()).
				Dur("took", s.o.Now().Sub(began)).Msg("devhub: request")
		}()
		next.ServeHTTP(w, r)
	})
}

// admits refuses pages whose name was made to resolve to this machine.
func (s *Server) admits(w http.ResponseWriter, r *http.Request) bool {
	if loopback(r.Host) || loopback(net.JoinHostPort(strings.Trim(r.Host, "[]"), "80")) {
		return true
	}
	http.Error(w, "not a loopback name", http.StatusForbidden)
	return false
}

// loopback says whether only this machine can reach host:port.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// announce adds what every answer of the API says.
func (s *Server) announce(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Request-Id", s.requestID())
		h.Set("RateLimit", `"api";r=990;t=200`)
		h.Set("RateLimit-Policy", `"fixed window";"api";q=1000;w=300`)
		next.ServeHTTP(w, r)
	})
}

func (s *Server) requestID() string { return fmt.Sprintf("devhub-%08d", s.ids.Add(1)) }

// endpoint returns the API's URL as the client of r knows it.
func endpoint(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// storageEndpoint returns the storage's URL for the client of r.
func (s *Server) storageEndpoint(r *http.Request) string {
	port := s.storagePort()
	if port == "" {
		return endpoint(r)
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	return "http://" + net.JoinHostPort(host, port)
}

func (s *Server) storagePort() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.port
}
