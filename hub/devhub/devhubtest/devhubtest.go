// Package devhubtest runs a devhub for the tests of other packages: a hub in a
// temporary folder that real clients reach over loopback.
package devhubtest

import (
	"context"
	"testing"
	"time"

	"finest/hub/devhub"
	"finest/hub/huggingface"
	"finest/hub/localhub"
	"finest/internal/polite"
)

// Token is one that every devhub takes; its user is "tester".
const Token = "hf_tester"

// World is a hub and where it is.
type World struct {
	Store    *localhub.Hub
	Server   *devhub.Server
	Endpoint string
	Dir      string
}

// Serve starts a hub that ends with the test. change may alter its options.
func Serve(t testing.TB, change ...func(*devhub.Options)) *World {
	t.Helper()
	return ServeDir(t, t.TempDir(), change...)
}

// ServeDir is Serve over the hub in a folder.
func ServeDir(t testing.TB, dir string, change ...func(*devhub.Options)) *World {
	t.Helper()
	store, err := localhub.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var o devhub.Options
	for _, c := range change {
		c(&o)
	}
	server := devhub.New(store, o)
	endpoint, err := server.Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return &World{Store: store, Server: server, Endpoint: endpoint, Dir: dir}
}

// Dial returns a client of the hub at endpoint that is the user of Token and does
// not wait between attempts. change may alter its options.
func Dial(t testing.TB, endpoint string, change ...func(*huggingface.Options)) *huggingface.Client {
	t.Helper()
	o := huggingface.Options{Endpoint: endpoint, Token: Token, HTTP: Hasty()}
	for _, c := range change {
		c(&o)
	}
	client, err := huggingface.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Hasty returns what carries requests without a wait, neither for a rate nor
// between attempts.
func Hasty() *polite.Client {
	c := polite.NewClient("finest-test")
	c.Interval = 0
	c.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return c
}
