package devhub

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"finest/hub"
)

// Expiry is how long URLs of the storage are good.
const Expiry = time.Hour

// permit is what a signed URL allows.
type permit struct {
	method string
	path   string
	query  string // encoded, with the end of the permit
}

// Paths of signed URLs.
const (
	storagePrefix = "/storage/"
	completePath  = "/api/complete_multipart"
)

// query encodes what a signed URL says, and until when.
func (s *Server) query(values url.Values) string {
	values.Set("expires", itoa(s.o.Now().Add(Expiry).Unix()))
	return values.Encode()
}

// objectURL returns the URL at the storage where an object is put or got.
func (s *Server) objectURL(r *http.Request, method string, f hub.File) string {
	query := s.query(url.Values{"size": {itoa(f.Size)}})
	return s.storageEndpoint(r) + s.sign(permit{method, storagePrefix + "objects/" + f.SHA256, query})
}

// sign returns the URL of p without its host.
func (s *Server) sign(p permit) string {
	return p.path + "?" + p.query + "&signature=" + s.signature(p)
}

func (s *Server) signature(p permit) string {
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte(p.method + "\n" + p.path + "\n" + p.query))
	return hex.EncodeToString(mac.Sum(nil))
}

// permitted reads what a signed URL allows; ok tells whether it is good now.
func (s *Server) permitted(r *http.Request) (values url.Values, ok bool) {
	values = r.URL.Query()
	given := values.Get("signature")
	values.Del("signature")
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	want := s.signature(permit{method, r.URL.Path, values.Encode()})
	until, err := strconv.ParseInt(values.Get("expires"), 10, 64)
	return values, hmac.Equal([]byte(given), []byte(want)) && err == nil && !s.o.Now().After(time.Unix(until, 0))
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// number reads a number that the server signed.
func number(values url.Values, name string) int64 {
	n, _ := strconv.ParseInt(values.Get(name), 10, 64)
	return n
}
