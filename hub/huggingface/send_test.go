package huggingface

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"finest/hub"
	"finest/internal/polite"
)

// answers is a network that gives the next of them to every request, and notes
// what came.
type answers struct {
	left []func(*http.Request) (*http.Response, error)
	got  []string
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
		body = string(raw)
	}
	a.got = append(a.got, fmt.Sprintf("%s %s %d %q %s", r.Method, r.URL, r.ContentLength, body, r.Header.Get("Authorization")))
	next := a.left[0]
	a.left = a.left[min(1, len(a.left)-1):]
	return next(r)
}

func status(code int, header ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		resp := &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}
		for i := 0; i+1 < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	}
}

func reset(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }

// TestSend sends a body whole, from its start, each time.
func TestSend(t *testing.T) {
	const first = "PUT https://s.example/o?sig=1 4 \"body\" "
	for name, c := range map[string]struct {
		method  string
		size    int64
		header  http.Header
		answers []func(*http.Request) (*http.Response, error)
		want    []string
		err     error
	}{
		"once":       {"PUT", 4, nil, []func(*http.Request) (*http.Response, error){status(200)}, []string{first}, nil},
		"busy":       {"PUT", 4, nil, []func(*http.Request) (*http.Response, error){status(503), status(500), status(200)}, []string{first, first, first}, nil},
		"reset":      {"PUT", 4, nil, []func(*http.Request) (*http.Response, error){reset, status(200)}, []string{first, first}, nil},
		"never":      {"PUT", 4, nil, []func(*http.Request) (*http.Response, error){reset}, []string{first, first, first, first, first, first}, hub.ErrUnavailable},
		"no body":    {"PUT", 0, nil, []func(*http.Request) (*http.Response, error){status(200)}, []string{"PUT https://s.example/o?sig=1 0 \"\" "}, nil},
		"denied":     {"PUT", 4, nil, []func(*http.Request) (*http.Response, error){status(403)}, []string{first}, hub.ErrDenied},
		"POST":       {"POST", 4, nil, []func(*http.Request) (*http.Response, error){status(503)}, []string{"POST" + first[3:]}, hub.ErrUnavailable},
		"POST again": {"POST", 4, http.Header{"Idempotency-Key": nil}, []func(*http.Request) (*http.Response, error){status(503), status(200)}, []string{"POST" + first[3:], "POST" + first[3:]}, nil},
		"moved": {"PUT", 4, http.Header{"Authorization": {"theirs"}}, []func(*http.Request) (*http.Response, error){
			status(307, "Location", "/p"), status(308, "Location", "https://t.example/q"), status(200),
		}, []string{first + "theirs", `PUT https://s.example/p 4 "body" theirs`, `PUT https://t.example/q 4 "body" `}, nil},
		"moved, another method": {"PUT", 4, nil, []func(*http.Request) (*http.Response, error){status(303, "Location", "/p")}, []string{first}, hub.ErrUnavailable},
		"moved to http":         {"PUT", 4, nil, []func(*http.Request) (*http.Response, error){status(307, "Location", "http://s.example/")}, []string{first}, hub.ErrUnavailable},
	} {
		a := &answers{left: c.answers}
		h := polite.NewClient("finest/test")
		h.Transport, h.Interval, h.Backoff = a, 0, 0
		client, err := New(Options{Token: "hf_secret", HTTP: h})
		if err != nil {
			t.Fatal(err)
		}
		to, err := url.Parse("https://s.example/o?sig=1")
		if err != nil {
			t.Fatal(err)
		}
		body := func() (io.Reader, error) { return strings.NewReader("body"[:c.size]), nil }
		resp, err := client.send(t.Context(), c.method, to, c.header, body, c.size)
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) || (resp == nil) == (err == nil) || fmt.Sprint(a.got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, sent\n%q, want\n%q", name, err, a.got, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "sig=1") {
			t.Errorf("%s: the signature is in %q", name, err)
		}
	}
	client, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("disk is gone")
	_, err = client.send(t.Context(), "PUT", &url.URL{Scheme: "https", Host: "s.example"}, nil, func() (io.Reader, error) { return nil, gone }, 1)
	if !errors.Is(err, gone) {
		t.Errorf("a body that does not open: %v", err)
	}
}
