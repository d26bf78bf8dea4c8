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

// permit is what a signed URL allows.
type permit struct {
	method string
	path   string
	values url.Values
}

// Paths of signed URLs.
const (
	storagePrefix = "/storage/"
	completePath  = "/api/complete_multipart"
)

func uploadOf(f hub.File) permit {
	return permit{http.MethodPut, storagePrefix + "objects/" + f.SHA256, url.Values{"size": {itoa(f.Size)}}}
}

func downloadOf(f hub.File) permit {
	p := uploadOf(f)
	p.method = http.MethodGet
	return p
}

// sign returns the URL at the storage that allows p until it expires.
func (s *Server) sign(r *http.Request, p permit) string {
	return s.storageEndpoint(r) + s.signed(p)
}

// signed returns the URL of p without its host.
func (s *Server) signed(p permit) string {
	p.values.Set("expires", itoa(s.o.Now().Add(s.o.Expiry).Unix()))
	p.values.Set("signature", s.signature(p))
	return p.path + "?" + p.values.Encode()
}

func (s *Server) signature(p permit) string {
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte(p.method + "\n" + p.path + "\n" + p.values.Encode()))
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
	want := s.signature(permit{method, r.URL.Path, values})
	until, err := strconv.ParseInt(values.Get("expires"), 10, 64)
	return values, hmac.Equal([]byte(given), []byte(want)) && err == nil && !s.o.Now().After(time.Unix(until, 0))
}

// number reads a number that the server signed.
func number(values url.Values, name string) int64 {
	n, _ := strconv.ParseInt(values.Get(name), 10, 64)
	return n
}
